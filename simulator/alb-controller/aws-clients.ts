/**
 * The controller's AWS clients. Their errors are worded like those of the AWS SDK for Go v2, which
 * the real controller uses: `operation error Elastic Load Balancing v2: CreateListener, https
 * response error StatusCode: 400, RequestID: <id>, CertificateNotFound: ...`, with `api error `
 * before codes that are not in the service's model.
 */
import {
  ACMClient,
  ACMServiceException,
  DescribeCertificateCommand,
  paginateListCertificates,
  type KeyAlgorithm,
} from '@aws-sdk/client-acm'
import {
  ElasticLoadBalancingV2Client,
  ElasticLoadBalancingV2ServiceException,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { DiscoveredCertificate } from './model-types.ts'

/** By default, ACM lists only RSA_2048. */
const KEY_TYPES: KeyAlgorithm[] = [
  'RSA_1024',
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'EC_prime256v1',
  'EC_secp384r1',
  'EC_secp521r1',
]

/** The endpoint and credentials of AWS. */
export interface AwsAccess {
  readonly endpoint: string
  readonly region: string
  readonly credentials: {
    readonly accessKeyId: string
    readonly secretAccessKey: string
    readonly sessionToken?: string
  }
}

/** The clients of ACM and Elastic Load Balancing. */
export class ControllerAwsClients {
  readonly elbv2: ElasticLoadBalancingV2Client
  private readonly acm: ACMClient

  constructor(access: AwsAccess, maxAttempts = 3) {
    const options = {
      endpoint: access.endpoint,
      region: access.region,
      credentials: access.credentials,
      maxAttempts,
    }
    this.elbv2 = new ElasticLoadBalancingV2Client(options)
    this.acm = new ACMClient(options)
  }

  /** The issued certificates in ACM, of all key types (pkg/certs/cert_discovery.go). */
  async listIssuedCertificates(): Promise<DiscoveredCertificate[]> {
    const arns = await withGoErrors('ACM', 'ListCertificates', async () => {
      const collected: string[] = []
      for await (const { CertificateSummaryList = [] } of paginateListCertificates(
        { client: this.acm },
        { CertificateStatuses: ['ISSUED'], Includes: { keyTypes: KEY_TYPES } },
      )) {
        collected.push(...CertificateSummaryList.map(({ CertificateArn }) => CertificateArn ?? ''))
      }
      return collected
    })
    return Promise.all(
      arns.map(async (arn) => {
        const { Certificate } = await withGoErrors('ACM', 'DescribeCertificate', () =>
          this.acm.send(new DescribeCertificateCommand({ CertificateArn: arn })),
        )
        return {
          arn,
          names: Certificate?.SubjectAlternativeNames ?? [Certificate?.DomainName ?? ''],
        }
      }),
    )
  }

  close(): void {
    this.elbv2.destroy()
    this.acm.destroy()
  }
}

/** Calls AWS and rewords errors like the SDK for Go. */
export async function withGoErrors<Output>(
  service: string,
  operation: string,
  call: () => Promise<Output>,
): Promise<Output> {
  try {
    return await call()
  } catch (error) {
    throw new Error(formatGoError(service, operation, error), { cause: error })
  }
}

/** The message of the SDK for Go for an error of the SDK for JavaScript. */
export function formatGoError(service: string, operation: string, error: unknown): string {
  if (!(error instanceof Error)) return `operation error ${service}: ${operation}, ${String(error)}`
  const metadata =
    '$metadata' in error
      ? (error.$metadata as { httpStatusCode?: number; requestId?: string; attempts?: number })
      : {}
  const { attempts = 1, httpStatusCode, requestId = '' } = metadata
  const attemptsClause = attempts > 1 ? `exceeded maximum number of attempts, ${attempts}, ` : ''
  const prefix =
    `operation error ${service}: ${operation}, ${attemptsClause}` +
    `https response error StatusCode: ${httpStatusCode ?? 0}, RequestID: ${requestId}, `
  if (httpStatusCode === undefined) return `${prefix}request send failed, ${error.message}`
  const code =
    'Code' in error && typeof error.Code === 'string'
      ? error.Code
      : error.name.replace(/Exception$/, '')
  const isUnmodelled =
    error.constructor === ElasticLoadBalancingV2ServiceException ||
    error.constructor === ACMServiceException
  return `${prefix}${isUnmodelled ? 'api error ' : ''}${code}: ${error.message}`
}
