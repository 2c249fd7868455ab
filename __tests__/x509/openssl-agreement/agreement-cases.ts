/** The table of chains on which our verdict is compared with those of OpenSSL and of clients. */
import {
  parseCertificateMaterial,
  type CertificateMaterial,
} from '../../../src/x509/certificate.ts'
import { checkMaterial } from '../../../src/x509/checks.ts'
import { checkHandshake } from '../../../src/x509/handshake.ts'
import { parseCertificates } from '../../../src/x509/parse.ts'
import { host } from '../issued-certificates.ts'
import type { Bundle } from './agreement-fixture.ts'
import { bundleCases, lengthCases } from './bundle.cases.ts'
import { intermediateCases, keyCases, rootCases } from './ca.cases.ts'
import { leafCases, selfSignedCases } from './leaf.cases.ts'

export const joinPems = (certificates: Bundle['chain']): string =>
  certificates.map(({ pem }) => pem).join('')

export const parseBundle = ({ leaf, chain, root }: Bundle): CertificateMaterial =>
  parseCertificateMaterial(
    { certificate: leaf.pem, chain: joinPems(chain), privateKey: leaf.privateKey },
    parseCertificates(root.pem),
  )

export async function listOurCodes(material: CertificateMaterial): Promise<string[]> {
  const problems = checkMaterial(material, host, Date.now())
  if (problems.length === 0) problems.push(...(await checkHandshake(material, host)))
  return problems.map(({ code }) => code)
}

export const agreementCases = [
  ...leafCases,
  ...intermediateCases,
  ...rootCases,
  ...keyCases,
  ...lengthCases,
  ...bundleCases,
  ...selfSignedCases,
]
