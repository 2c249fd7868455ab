/** How certificates and what uses them are shown to people. */
import type { X509Certificate } from 'node:crypto'
import { getSubject } from '../../x509/certificate.ts'

/** `CN=milvus.example.com, serial 0A1B, until 2027-01-01T00:00:00.000Z` */
export function describeCertificate(certificate: X509Certificate): string {
  const expiry = certificate.validToDate.toISOString()
  return `${getSubject(certificate)}, serial ${certificate.serialNumber}, until ${expiry}`
}

/** `app/k8s-milvus-.../...` of a load balancer's ARN. */
const shortenArn = (arn: string): string => arn.replace(/^arn:[^/]*loadbalancer\//, '')

/** @param arns of what uses a certificate */
export const shortenUserArns = (arns: readonly string[]): string[] => arns.map(shortenArn)

/** @param arns of what uses a certificate */
export const formatUsers = (arns: readonly string[]): string => shortenUserArns(arns).join(', ')
