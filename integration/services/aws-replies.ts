/** AWS responses that the proxy creates, or in which it corrects moto's. */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { formatEc2Error, formatQueryError } from '../../simulator/aws/query.ts'

/** A response. */
export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** The service of a call, as in IAM actions. */
interface Call {
  readonly service: string
}

/** The error code of a denied action. */
export function accessDeniedCode(service: string): string {
  if (service === 'ec2') return 'UnauthorizedOperation'
  return isQuery(service) ? 'AccessDenied' : 'AccessDeniedException'
}

/** Whether a service has a query protocol. */
export const isQuery = (service: string): boolean =>
  ['sts', 'elasticloadbalancing', 'iam', 'ec2', 'cloudformation'].includes(service)

/** Converts an error from moto, which is always XML, to the protocol of the service. */
export function toJsonError(call: Call, { status, body }: Reply): Reply {
  const text = (name: string): string =>
    new RegExp(`<${name}>([^<]*)</${name}>`).exec(body.toString())?.[1] ?? ''
  const codes: Readonly<Record<string, string>> = {
    AccessDenied: 'AccessDeniedException',
    InvalidClientTokenId: 'UnrecognizedClientException',
    SignatureDoesNotMatch: 'InvalidSignatureException',
  }
  const code = text('Code')
  return createErrorReply(call, {
    status: call.service === 'acm' ? 400 : status,
    code: codes[code] ?? code,
    message: text('Message').replaceAll('&quot;', '"').replaceAll('&amp;', '&'),
  })
}

/** An error response in the protocol of the service. */
export function createErrorReply(
  { service }: Call,
  error: { status: number; code: string; message: string },
): Reply {
  const requestId = randomUUID()
  const namespace =
    service === 'sts'
      ? 'https://sts.amazonaws.com/doc/2011-06-15/'
      : 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/'
  const [type, body] = isQuery(service)
    ? [
        'text/xml',
        (service === 'ec2' ? formatEc2Error : formatQueryError)(namespace, error, requestId),
      ]
    : ['application/json', JSON.stringify({ __type: error.code, message: error.message })]
  return {
    status: error.status,
    headers: {
      'content-type': type,
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': error.code,
    },
    body: Buffer.from(body),
  }
}

/** Adds the users of a certificate to DescribeCertificate. */
export function withInUseBy(reply: Reply, InUseBy: readonly string[]): Reply {
  const { Certificate } = JSON.parse(reply.body.toString()) as { Certificate: object }
  return replaceBody(reply, JSON.stringify({ Certificate: { ...Certificate, InUseBy } }))
}

/**
 * Removes the certificate that moto appends to every chain in GetCertificate. ACM appends at most
 * the root of the chain. Source: moto, acm/models.py, AWS_ROOT_CA.
 */
export function withoutAppendedCertificate(reply: Reply): Reply {
  const { CertificateChain = '', ...other } = JSON.parse(reply.body.toString()) as {
    CertificateChain?: string
  }
  const end = CertificateChain.lastIndexOf('-----BEGIN CERTIFICATE-----')
  const chain = CertificateChain.slice(0, Math.max(end, 0)).trim()
  const body = chain === '' ? other : { ...other, CertificateChain: `${chain}\n` }
  return replaceBody(reply, JSON.stringify(body))
}

/** Replaces the body, and its length. */
export function replaceBody(reply: Reply, text: string): Reply {
  const body = Buffer.from(text)
  return { ...reply, headers: { ...reply.headers, 'content-length': String(body.length) }, body }
}

interface RealCluster {
  readonly name: string
  readonly endpoint: string
  readonly ca: string
}

/** Replaces the endpoint, CA and VPC in DescribeCluster, which moto makes up. */
export function withRealCluster(reply: Reply, real: RealCluster, vpcId: string): Reply {
  const { cluster } = JSON.parse(reply.body.toString()) as {
    cluster: { name: string; resourcesVpcConfig?: object }
  }
  if (cluster.name !== real.name) return reply
  const replaced = {
    ...cluster,
    resourcesVpcConfig: { ...cluster.resourcesVpcConfig, vpcId },
    endpoint: real.endpoint,
    certificateAuthority: { data: Buffer.from(real.ca).toString('base64') },
  }
  return replaceBody(reply, JSON.stringify({ cluster: replaced }))
}

const loadBalancerStates =
  /<member>(?:(?!<member>)[\s\S])*?<LoadBalancerName>([^<]*)<[\s\S]*?<State>[\s\S]*?<\/State>/g

/** Replaces the states of load balancers in DescribeLoadBalancers. */
export function withProvisioningStates(
  reply: Reply,
  isProvisioning: (name: string) => boolean,
): Reply {
  const body = reply.body
    .toString()
    .replace(loadBalancerStates, (match, name: string) =>
      isProvisioning(name)
        ? match.replace(/<State>[\s\S]*?<\/State>$/, '<State><Code>provisioning</Code></State>')
        : match,
    )
  return replaceBody(reply, body)
}

/**
 * Lets the DNS names of internal load balancers begin with `internal-`, which moto omits. Source:
 * moto, elbv2/models.py, create_load_balancer.
 */
export const withInternalDnsNames = (reply: Reply): Reply =>
  replaceBody(
    reply,
    reply.body
      .toString()
      .replace(/<DNSName>(?=(?:(?!<DNSName>)[\s\S])*?<Scheme>internal<)/g, '$&internal-'),
  )

/** An imported certificate with its private key, which ACM never returns. */
export interface ImportedCertificate {
  readonly certificate: string
  readonly chain: string
  readonly privateKey: string
}
