/** Parsers of names and identifiers: of DNS, Kubernetes, AWS and Helm. Pure. */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { invalidValue } from './invalid-input.ts'
import { createPatternParser } from './parsers.ts'

/** A name of a Kubernetes object: RFC 1123 label, at most 63 characters. */
export const parseKubernetesName = createPatternParser(
  /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
  'a Kubernetes name',
  'Use lower-case letters, digits and hyphens, for example milvus-demo.',
)

/** A name with dots: RFC 1123 subdomain, at most 253 characters. IngressClasses may have one. */
export const parseKubernetesSubdomain = createPatternParser(
  /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  'a Kubernetes name',
  'Use lower-case letters, digits, hyphens and dots, for example milvus-demo.',
)

/**
 * The name of an Ingress, with dots. The controller makes it the value of a label, which is at most
 * 63 characters long. Source: its issue 2164.
 */
export const parseIngressName = createPatternParser(
  /^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  'an Ingress name that the controller accepts',
  'Use at most 63 lower-case letters, digits, hyphens and dots, for example milvus-demo.',
)

/** An AWS region. */
export function parseRegion(raw: string): string {
  const [, regionOfZone] = /^([a-z]{2,4}(?:-[a-z]+)+-\d)(?:-[a-z]+-\d)?[a-z]$/.exec(raw) ?? []
  if (regionOfZone !== undefined)
    throw invalidValue(raw, 'is an Availability Zone', `Use its region: ${regionOfZone}.`)
  return parseRegionCode(raw)
}

const parseRegionCode = createPatternParser(
  /^[a-z]{2,4}(-[a-z]+)+-\d$/,
  'an AWS region',
  'Use a region code, for example us-east-2.',
)

const clusterArn = /^arn:aws[a-z-]*:eks:[a-z0-9-]+:\d{12}:cluster\/([0-9A-Za-z][\w-]{0,99})$/

/** The name of an EKS cluster. Source: the EKS API, CreateCluster. */
export function parseClusterName(raw: string): string {
  const [, name] = clusterArn.exec(raw) ?? []
  if (name !== undefined)
    throw invalidValue(raw, 'is the ARN of a cluster', `Use the name of the cluster: ${name}.`)
  return parseBareClusterName(raw)
}

const parseBareClusterName = createPatternParser(
  /^[0-9A-Za-z][\w-]{0,99}$/,
  'the name of an EKS cluster',
  'Use a name from "aws eks list-clusters", for example production.',
)

/** A certificate's ARN. Source: the ACM API's pattern for CertificateArn. */
export const parseCertificateArn = createPatternParser(
  /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
  'the ARN of an ACM certificate',
  'Use the full ARN, for example arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-....',
)

/**
 * Source: ELBv2's CreateLoadBalancer: letters, digits and hyphens, at most 32, not beginning or
 * ending with a hyphen, not beginning with `internal-`.
 */
export const parseLoadBalancerName = createPatternParser(
  /^(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$/,
  'a load balancer name',
  'Use at most 32 letters, digits and hyphens. ' +
    'The name cannot begin or end with a hyphen, or begin with internal-.',
)

/** Source: the controller's group_loader.go. */
export const parseGroupName = createPatternParser(
  /^(?=.{1,63}$)([a-z0-9][-a-z0-9.]*)?[a-z0-9]$/,
  'an IngressGroup name',
  'Use at most 63 lower-case letters, digits, hyphens and dots, for example shared-alb.',
)

/**
 * The class of a Service's load balancer. Source: Kubernetes API reference, ServiceSpec,
 * loadBalancerClass: a qualified name.
 */
export const parseLoadBalancerClass = createPatternParser(
  /^(?:(?=.{1,253}\/)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/,
  'a load balancer class',
  'Use service.k8s.aws/nlb (AWS Load Balancer Controller), ' +
    'eks.amazonaws.com/nlb (EKS Auto Mode), another class, or none.',
)

/** The name of one of ELB's security policies; ELB itself knows which exist. */
export const parseSslPolicy = createPatternParser(
  /^ELBSecurityPolicy-[A-Za-z0-9-]+$/,
  'the name of an ELB security policy',
  'Use a policy name, for example ELBSecurityPolicy-TLS13-1-2-2021-06.',
)

/**
 * A complete version: with a range, the chart would change with each release of the repository.
 * Source: SemVer 2.0.0.
 */
export const parseExactVersion = createPatternParser(
  /^v?\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/,
  'an exact version',
  'Use one version, for example 5.0.19.',
)

const fullyQualifiedName =
  /^(?=.{1,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/

const hostMistakes: readonly { readonly pattern: RegExp; readonly problem: string }[] = [
  { pattern: /\s|,/, problem: 'contains more than one name' },
  { pattern: /^[a-z][a-z0-9+.-]*:\/\//, problem: 'contains a scheme' },
  { pattern: /^[^:]*:\d+$/, problem: 'contains a port' },
  { pattern: /\//, problem: 'contains a path' },
  { pattern: /_/, problem: 'contains an underscore, which a certificate cannot cover' },
  { pattern: /\*/, problem: 'is a wildcard, and the probe needs one name to call' },
  {
    pattern: /^[^.]*$/,
    problem: 'contains no dot: ACM and the ALB require a fully qualified name',
  },
]

/**
 * The host in the Ingress rule and in the certificate.
 * @returns a fully qualified DNS name in lower case
 */
export function parseHost(raw: string): string {
  const remedy = 'Use only the DNS name that clients connect to, for example milvus.example.com.'
  const name = raw.toLowerCase().replace(/\.$/, '')
  const ascii = domainToASCII(name)
  if (/[^\p{ASCII}]/u.test(name) && ascii !== '')
    throw invalidValue(
      raw,
      'contains letters that are not ASCII',
      `Use the name as DNS and certificates contain it: ${ascii}.`,
    )
  const mistake = hostMistakes.find(({ pattern }) => pattern.test(name))
  if (mistake) throw invalidValue(raw, mistake.problem, remedy)
  if (isIP(name) || !fullyQualifiedName.test(name))
    throw invalidValue(raw, 'is not a DNS name', remedy)
  return name
}
