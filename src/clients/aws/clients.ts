/**
 * The one place that makes AWS clients: region, credentials, proxy, further CAs, user agent,
 * retries.
 */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import tls from 'node:tls'
import { ACMClient } from '@aws-sdk/client-acm'
import { EKSClient } from '@aws-sdk/client-eks'
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { ActionError } from '../../failures/action-error.ts'
import { getErrorMessage } from '../../util/text.ts'
import { restrictToAccounts } from './account.ts'
import { ResponseLimitHandler } from './response-limits.ts'

/** What every client is made with. */
export interface AwsClientConfig extends Pick<
  NonNullable<ConstructorParameters<typeof EKSClient>[0]>,
  'requestHandler' | 'customUserAgent' | 'maxAttempts'
> {
  readonly region: string
  readonly credentials: ReturnType<typeof defaultProvider>
}

/**
 * Clients that share credentials and connections. Endpoints follow AWS_ENDPOINT_URL and
 * AWS_ENDPOINT_URL_<SERVICE>, which the SDK reads.
 */
export interface AwsClients {
  readonly region: string
  readonly acm: ACMClient
  /**
   * Never repeats a request: for the first import of a certificate, which has no idempotency token.
   */
  readonly acmWithoutRetry: ACMClient
  readonly eks: EKSClient
  /** For the clients of services that few runs ask. */
  readonly config: AwsClientConfig
  readonly elbv2: ElasticLoadBalancingV2Client
  /**
   * The default chain, once the account is known to be allowed; asked again when what it gave is
   * about to end.
   */
  readonly credentials: AwsClientConfig['credentials']
}

/**
 * @param environment for proxies (HTTPS_PROXY, NO_PROXY) and AWS_CA_BUNDLE, which the SDK for
 *   JavaScript does not read itself; NODE_EXTRA_CA_CERTS works by itself
 * @param allowedAccounts ids; every account is allowed when there are none
 */
export function createAwsClients(
  region: string,
  environment: NodeJS.ProcessEnv,
  allowedAccounts: readonly string[],
): AwsClients {
  const caBundlePath = environment['AWS_CA_BUNDLE']
  const agentOptions = { keepAlive: true, proxyEnv: environment }
  const requestHandler = new ResponseLimitHandler({
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    // Without this the SDK only warns.
    throwOnRequestTimeout: true,
    httpAgent: new http.Agent(agentOptions),
    httpsAgent: new https.Agent({
      ...agentOptions,
      ...(caBundlePath && {
        ca: [...tls.getCACertificates('default'), readCaBundle(caBundlePath)],
      }),
    }),
  })
  const baseConfig: AwsClientConfig = {
    region,
    credentials: defaultProvider({ clientConfig: { region, requestHandler } }),
    requestHandler,
    customUserAgent: 'milvus-alb-action',
    maxAttempts: 4,
  }
  const credentials = restrictToAccounts(baseConfig, allowedAccounts)
  const config = { ...baseConfig, credentials }
  return {
    region,
    credentials,
    acm: new ACMClient(config),
    acmWithoutRetry: new ACMClient({ ...config, maxAttempts: 1 }),
    eks: new EKSClient(config),
    config,
    elbv2: new ElasticLoadBalancingV2Client(config),
  }
}

function readCaBundle(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new ActionError({
      code: 'input-invalid',
      problem: `AWS_CA_BUNDLE names a file that cannot be read: ${getErrorMessage(thrown)}.`,
      remedy:
        'Name a PEM file that is on the runner, or take AWS_CA_BUNDLE out of the environment.',
    })
  }
}
