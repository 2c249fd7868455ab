/** The certificate of the inputs, also if they name the secret that contains it. */
import type { X509Certificate } from 'node:crypto'
import { ActionError } from '../../failures/action-error.ts'
import { secretOrigin } from '../../failures/certificate-origin.ts'
import * as failures from '../../failures/certificate-secret.ts'
import { toActionError } from '../../failures/thrown.ts'
import { secretPath } from '../../clients/kubernetes/paths.ts'
import type { SecretOrConfigMap } from '../../clients/kubernetes/types.ts'
import type { CertificateSecret } from '../../inputs/types.ts'
import {
  parseCertificateMaterial,
  type CertificateMaterial,
  type CertificateTexts,
} from '../../x509/certificate.ts'
import { parseCertificates } from '../../x509/parse.ts'
import { decodePem } from '../../x509/pem.ts'
import type { EndpointRun } from '../run.ts'
import { parseSecretValue } from './secret-content.ts'

/**
 * @returns undefined if the inputs contain no certificate, but the ARN of one, or nothing
 * @throws ActionError `certificate-secret-not-found`, `certificate-secret-unusable`, those of the
 *   certificate in it, and those of the read
 */
export async function readMaterial(run: EndpointRun): Promise<CertificateMaterial | undefined> {
  const { certificate } = run.settings
  if (certificate.kind === 'material') return certificate.material
  if (certificate.kind !== 'secret') return undefined
  try {
    return await readSecretMaterial(run, certificate.secret)
  } catch (thrown) {
    // Like everything that is wrong with the certificate of the inputs.
    throw toActionError(thrown).withStep('preflight')
  }
}

async function readSecretMaterial(
  run: EndpointRun,
  secret: CertificateSecret,
): Promise<CertificateMaterial> {
  const isInCluster = secret.kind === 'kubernetes'
  const texts = isInCluster
    ? await readClusterSecret(run, secret)
    : await readAwsSecret(run, secret)
  run.context.maskSecret(texts.privateKey)
  const material = parseCertificateMaterial(texts, listIssuers(run, texts))
  run.context.maskSecret(material.privateKey)
  if (isInCluster && material.leaf.issuer === temporaryIssuer)
    throw failures.clusterSecretTemporary(secret)
  return material
}

/** Source: cert-manager, pkg/util/pki: the issuer of a certificate that it signs itself. */
const temporaryIssuer = 'CN=cert-manager.local'

type ClusterSecret = Extract<CertificateSecret, { kind: 'kubernetes' }>
type AwsSecret = Extract<CertificateSecret, { kind: 'secrets-manager' }>

/** The certificates of CAs among which a missing chain is looked for. */
interface SecretTexts extends CertificateTexts {
  readonly caBundle?: string
}

async function readClusterSecret(run: EndpointRun, secret: ClusterSecret): Promise<SecretTexts> {
  const { type = 'Opaque', data = {} } = await fetchClusterSecret(run, secret)
  const decode = (entry: string): string => Buffer.from(data[entry] ?? '', 'base64').toString()
  const privateKey = decode('tls.key')
  run.context.maskSecret(privateKey)
  if (type !== 'kubernetes.io/tls') throw failures.clusterSecretOfOtherType(secret, type)
  const emptyEntry = ['tls.crt', 'tls.key'].find((entry) => decode(entry).trim() === '')
  if (emptyEntry !== undefined) throw failures.clusterSecretEmpty(secret, emptyEntry)
  const certificate = decode('tls.crt')
  return {
    certificate: decodePem(certificate) ?? certificate,
    privateKey: decodePem(privateKey) ?? privateKey,
    chain: '',
    // Of cert-manager: the root of its CA, or what it knows of the chain.
    caBundle: decode('ca.crt'),
    origin: secretOrigin(`Secret ${secret.namespace}/${secret.name}`, {
      certificate: 'tls.crt',
      privateKey: 'tls.key',
      chain: 'ca.crt',
    }),
  }
}

async function fetchClusterSecret(
  { clients }: EndpointRun,
  secret: ClusterSecret,
): Promise<SecretOrConfigMap & { readonly type?: string }> {
  const { namespace, name } = secret
  const { kubernetes } = await clients.cluster
  const operation = `read Secret ${name} in namespace ${namespace}, which certificate-secret names`
  try {
    const found = await kubernetes.get<SecretOrConfigMap>(secretPath(namespace, name), operation)
    if (!found) throw failures.clusterSecretNotFound(secret)
    return found
  } catch (thrown) {
    if (thrown instanceof ActionError && thrown.code === 'cluster-forbidden')
      throw failures.clusterSecretDenied(secret, thrown)
    throw thrown
  }
}

async function readAwsSecret({ context, clients }: EndpointRun, secret: AwsSecret) {
  const value = await clients.getSecretValue(secret)
  const text = typeof value === 'string' ? value : Buffer.from(value).toString()
  context.maskSecret(text)
  return parseSecretValue(`Secret ${secret.arn}`, text)
}

/** Unreadable certificates of CAs are ignored: the chain does not have to come from there. */
function listIssuers({ settings }: EndpointRun, { caBundle = '' }: SecretTexts): X509Certificate[] {
  return [caBundle, settings.probe.ca ?? ''].flatMap((pem) => {
    try {
      return parseCertificates(pem)
    } catch {
      return []
    }
  })
}
