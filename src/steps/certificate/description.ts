/** How certificates and what uses them are shown to people. */
import type { X509Certificate } from 'node:crypto'
import { formatDistinguishedName } from '../../util/text.ts'

/** `CN=milvus.example.com, serial 0A1B, until 2027-01-01T00:00:00.000Z` */
export function describeCertificate(certificate: X509Certificate): string {
  const subject = formatDistinguishedName(certificate.subject)
  const expiry = certificate.validToDate.toISOString()
  return `${subject}, serial ${certificate.serialNumber}, until ${expiry}`
}

/** `app/k8s-milvus-.../...` of a load balancer's ARN. */
const shortenArn = (arn: string): string => arn.replace(/^arn:[^/]*loadbalancer\//, '')

/** @param arns of what uses a certificate */
export const shortenUserArns = (arns: readonly string[]): string[] => arns.map(shortenArn)

/** @param arns of what uses a certificate */
export const formatUsers = (arns: readonly string[]): string => shortenUserArns(arns).join(', ')
