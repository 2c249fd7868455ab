/** The one place that makes AWS clients: region, credentials, proxy, further CAs, user agent, retries. */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import tls from 'node:tls'
import { ACMClient } from '@aws-sdk/client-acm'
import { EKSClient } from '@aws-sdk/client-eks'
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { ActionError } from '../core/errors.ts'
import { messageOf } from '../core/text.ts'
import { ofAllowedAccount } from './account.ts'
import { BoundedHandler } from './bounded.ts'

/** What every client is made with. */
export interface ClientConfig extends Pick<NonNullable<ConstructorParameters<typeof EKSClient>[0]>, 'requestHandler' | 'customUserAgent' | 'maxAttempts'> {
  readonly region: string
  readonly credentials: ReturnType<typeof defaultProvider>
}

/** Clients that share credentials and connections. Endpoints follow AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>, which the SDK reads. */
export interface AwsClients {
  readonly region: string
  readonly acm: ACMClient
  /** Never repeats a request: for the first import of a certificate, which has no idempotency token. */
  readonly acmOnce: ACMClient
  readonly eks: EKSClient
  /** For the clients of services that few runs ask. */
  readonly config: ClientConfig
  readonly elbv2: ElasticLoadBalancingV2Client
  /** The default chain, once the account is known to be allowed; asked again when what it gave is about to end. */
  readonly credentials: ClientConfig['credentials']
}

/**
 * @param environment for proxies (HTTPS_PROXY, NO_PROXY) and AWS_CA_BUNDLE, which the SDK for JavaScript does not read itself;
 *   NODE_EXTRA_CA_CERTS works by itself
 * @param allowedAccounts ids; every account is allowed when there are none
 */
export function createClients(region: string, environment: NodeJS.ProcessEnv, allowedAccounts: readonly string[]): AwsClients {
  const bundle = environment['AWS_CA_BUNDLE']
  const agent = { keepAlive: true, proxyEnv: environment }
  const requestHandler = new BoundedHandler({
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    // Without this the SDK only warns.
    throwOnRequestTimeout: true,
    httpAgent: new http.Agent(agent),
    httpsAgent: new https.Agent({ ...agent, ...(bundle && { ca: [...tls.getCACertificates('default'), readBundle(bundle)] }) }),
  })
  const unchecked: ClientConfig = { region, credentials: defaultProvider({ clientConfig: { region, requestHandler } }), requestHandler, customUserAgent: 'milvus-alb-action', maxAttempts: 4 }
  const credentials = ofAllowedAccount(unchecked, allowedAccounts)
  const config = { ...unchecked, credentials }
  return {
    region,
    credentials,
    acm: new ACMClient(config),
    acmOnce: new ACMClient({ ...config, maxAttempts: 1 }),
    eks: new EKSClient(config),
    config,
    elbv2: new ElasticLoadBalancingV2Client(config),
  }
}

function readBundle(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new ActionError({ code: 'input-invalid', problem: `AWS_CA_BUNDLE names a file that cannot be read: ${messageOf(thrown)}.`, remedy: 'Name a PEM file that is on the runner, or take AWS_CA_BUNDLE out of the environment.' })
  }
}
