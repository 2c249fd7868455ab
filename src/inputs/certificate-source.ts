/** The certificates that the inputs describe. Pure. */
import { ActionError } from '../failures/action-error.ts'
import { clientCertificateOrigin } from '../failures/certificate-origin.ts'
import {
  certificateMissing,
  certificateMissingForKey,
  privateKeyMissing,
  probeCertificateMissing,
  probeKeyMissing,
} from '../failures/inputs.ts'
import {
  parseCertificateMaterial,
  type CertificateMaterial,
  type CertificateTexts,
} from '../x509/certificate.ts'
import { parseCertificates } from '../x509/parse.ts'
import type { Resolved } from './cluster-access.ts'
import type { ParsedInputs } from './parse-inputs.ts'
import type { CertificateSource } from './types.ts'

/** A certificate of the inputs, a secret, an ARN, or in a check what the Ingress names. */
export function resolveCertificateSource(inputs: ParsedInputs): Resolved<CertificateSource> {
  const { values, isSet } = inputs
  if (isSet('certificate-secret')) return resolveSecret(inputs)
  const arn = values['certificate-arn']
  const isMaterialSet = (['certificate', 'private-key', 'certificate-chain'] as const).some(isSet)
  if (isMaterialSet) return resolveMaterial(inputs)
  if (arn !== undefined) return { value: { kind: 'arn', arn }, errors: [] }
  if (isSet('certificate-arn')) return { errors: [] }
  if (values.mode === 'check') return { value: { kind: 'served' }, errors: [] }
  return { errors: [certificateMissing()] }
}

/** The client certificate of the probe. */
export function resolveClientCertificate({
  values,
  isSet,
}: ParsedInputs): Resolved<CertificateMaterial> {
  if (values.probe === 'off') return { errors: [] }
  const { 'probe-certificate': certificate, 'probe-key': privateKey } = values
  if (!isSet('probe-certificate'))
    return { errors: isSet('probe-key') ? [probeCertificateMissing()] : [] }
  // A dry run does not probe, and may lack the secrets of a deployment.
  const needsKey = !values['dry-run'] || isSet('probe-key')
  if (needsKey && !isSet('probe-key')) return { errors: [probeKeyMissing()] }
  if (certificate === undefined || (needsKey && privateKey === undefined)) return { errors: [] }
  return parseMaterial({
    certificate,
    privateKey: privateKey ?? '',
    chain: '',
    origin: clientCertificateOrigin,
  })
}

/** Other inputs for a certificate are a conflict, which is reported there. */
function resolveSecret({ values }: ParsedInputs): Resolved<CertificateSource> {
  const { 'certificate-secret': reference, namespace } = values
  if (reference === undefined) return { errors: [] }
  if (reference.kind === 'secrets-manager')
    return { value: { kind: 'secret', secret: reference }, errors: [] }
  const secretNamespace = reference.namespace ?? namespace
  if (secretNamespace === undefined) return { errors: [] }
  const secret = { ...reference, namespace: secretNamespace }
  return { value: { kind: 'secret', secret }, errors: [] }
}

function resolveMaterial({ values, isSet }: ParsedInputs): Resolved<CertificateSource> {
  const errors: ActionError[] = []
  if (!isSet('certificate')) errors.push(certificateMissingForKey())
  // A check and a dry run compare a certificate without its key.
  const isImported = values.mode !== 'check' && !values['dry-run']
  const needsKey = isImported || isSet('private-key')
  if (needsKey && !isSet('private-key')) errors.push(privateKeyMissing())
  const { certificate, 'private-key': privateKey } = values
  if (certificate === undefined || (needsKey && privateKey === undefined)) return { errors }
  const texts = {
    certificate,
    privateKey: privateKey ?? '',
    chain: values['certificate-chain'] ?? '',
  }
  const { value: material, errors: problems } = parseMaterial(texts, values['probe-ca'])
  if (!material) return { errors: problems }
  const importArn = values['certificate-arn']
  return { value: { kind: 'material', material, importArn }, errors: [] }
}

function parseMaterial(texts: CertificateTexts, caBundle = ''): Resolved<CertificateMaterial> {
  try {
    return { value: parseCertificateMaterial(texts, parseCertificates(caBundle)), errors: [] }
  } catch (thrown) {
    if (!(thrown instanceof ActionError)) throw thrown
    return { errors: [thrown] }
  }
}
