/**
 * Creates all AWS clients with the same region, credentials, proxy, additional CAs, user agent and
 * retries.
 */
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import tls from 'node:tls'
import { ACMClient } from '@aws-sdk/client-acm'
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import { loadConfig } from '@smithy/core/config'
import { NODE_MAX_ATTEMPT_CONFIG_OPTIONS } from '@smithy/core/retry'
import { caBundleUnreadable } from '../../failures/aws.ts'
import { getErrorMessage } from '../../util/text.ts'
import { restrictToAccounts } from './account.ts'
import { createCredentialProvider, type CredentialProvider } from './credentials.ts'
import { ResponseLimitHandler } from './response-limits.ts'

/** The configuration that all clients share. */
export interface AwsClientConfig extends Pick<
  NonNullable<ConstructorParameters<typeof ACMClient>[0]>,
  'requestHandler' | 'customUserAgent' | 'maxAttempts'
> {
  readonly region: string
  readonly credentials: CredentialProvider
}

/**
 * Clients that share credentials and connections. Endpoints follow AWS_ENDPOINT_URL and
 * AWS_ENDPOINT_URL_<SERVICE>, which the SDK reads.
 */
export interface AwsClients {
  readonly region: string
  readonly acm: ACMClient
  /**
   * Never retries: for the first import of a certificate, which has no idempotency token.
   */
  readonly acmWithoutRetry: ACMClient
  /** For clients of services that few runs call. */
  readonly config: AwsClientConfig
  readonly elbv2: ElasticLoadBalancingV2Client
  /**
   * The default provider chain, restricted to the allowed accounts. It refreshes credentials that
   * are about to expire.
   */
  readonly credentials: AwsClientConfig['credentials']
}

/** Which credentials may be used, and who must not see them. */
export interface CredentialOptions {
  /** Account ids; empty allows every account. */
  readonly allowedAccounts: readonly string[]
  readonly maskSecret: (secret: string) => void
}

/**
 * @param environment for HTTPS_PROXY, NO_PROXY and AWS_CA_BUNDLE, which the SDK for JavaScript does
 *   not read; Node reads NODE_EXTRA_CA_CERTS
 * @throws ActionError `input-invalid` when AWS_CA_BUNDLE cannot be read
 */
export function createAwsClients(
  region: string,
  environment: NodeJS.ProcessEnv,
  { allowedAccounts, maskSecret }: CredentialOptions,
): AwsClients {
  const requestHandler = createRequestHandler(environment)
  const baseConfig: AwsClientConfig = {
    region,
    credentials: createCredentialProvider({
      clientConfig: { region, requestHandler },
      profile: environment['AWS_PROFILE'],
      maskSecret,
    }),
    requestHandler,
    customUserAgent: 'milvus-alb-action',
    // AWS_MAX_ATTEMPTS, or max_attempts of the profile. The default of the SDK is 3.
    maxAttempts: loadConfig({ ...NODE_MAX_ATTEMPT_CONFIG_OPTIONS, default: 4 }),
  }
  const credentials = restrictToAccounts(baseConfig, allowedAccounts)
  const config = { ...baseConfig, credentials }
  return {
    region,
    credentials,
    acm: new ACMClient(config),
    acmWithoutRetry: new ACMClient({ ...config, maxAttempts: 1 }),
    config,
    elbv2: new ElasticLoadBalancingV2Client(config),
  }
}

function createRequestHandler(environment: NodeJS.ProcessEnv): ResponseLimitHandler {
  const agentOptions = { keepAlive: true, proxyEnv: environment }
  const caBundlePath = environment['AWS_CA_BUNDLE']
  const tlsOptions = caBundlePath
    ? { ca: [...tls.getCACertificates('default'), readCaBundle(caBundlePath)] }
    : {}
  return new ResponseLimitHandler({
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    // The SDK only warns by default.
    throwOnRequestTimeout: true,
    httpAgent: new http.Agent(agentOptions),
    httpsAgent: new https.Agent({ ...agentOptions, ...tlsOptions, rejectUnauthorized: true }),
  })
}

function readCaBundle(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw caBundleUnreadable(path, getErrorMessage(thrown))
  }
}
