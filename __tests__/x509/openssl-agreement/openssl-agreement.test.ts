/** Our verdict on a certificate is that of OpenSSL, unless there is a reason. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { toPem } from '../../../src/x509/certificate.ts'
import { host } from '../issued-certificates.ts'
import { agreementCases, joinPems, listOurCodes, parseBundle } from './agreement-cases.ts'
import { clientDisagreements } from './client-disagreements.ts'

/** PEM texts: what a server sends, and what its client trusts. */
interface ServedChain {
  readonly leaf: string
  readonly chain: string
  readonly root: string
}

/** Whether a client that trusts the root accepts the certificate, by OpenSSL's own program. */
async function isAcceptedByOpenssl(files: ServedChain): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'openssl-'))
  try {
    for (const [name, pem] of Object.entries<string>({ ...files }))
      await writeFile(join(directory, name), pem)
    return await new Promise((resolve) => {
      execFile(
        'openssl',
        ['verify', '-purpose', 'sslserver', '-auth_level', '2', '-verify_hostname', host]
          .concat('-no-CApath', '-no-CAfile', '-no-CAstore', '-trusted', 'root')
          .concat('-untrusted', 'chain', 'leaf'),
        { cwd: directory },
        (error) => resolve(error === null),
      )
    })
  } finally {
    await rm(directory, { recursive: true })
  }
}

test.each(agreementCases)('$name', async ({ create, codes, reason, isImportRejected = false }) => {
  const bundle = await create()
  const { leaf, chain, root } = bundle
  const material = parseBundle(bundle)
  expect(await listOurCodes(material)).toEqual(codes)
  const isAccepted = await isAcceptedByOpenssl({
    leaf: leaf.pem,
    chain: joinPems([leaf, ...chain]),
    root: root.pem,
  })
  const agrees = isAccepted === (codes.length === 0)
  expect({ agrees }).toEqual({ agrees: reason === undefined })
  if (codes.length > 0) return
  const imported = {
    leaf: toPem([material.leaf]),
    chain: toPem([material.leaf, ...material.chain]),
  }
  expect(await isAcceptedByOpenssl({ ...imported, root: root.pem })).toBe(!isImportRejected)
})

test('the table has at least 120 cases', () => {
  expect(agreementCases.length).toBeGreaterThanOrEqual(120)
})

test('every listed disagreement with a client is about a case of the table', () => {
  const names = agreementCases.map(({ name }) => name)
  const unknown = clientDisagreements
    .flatMap(({ cases }) => cases)
    .filter((name) => !names.includes(name))
  expect(unknown).toEqual([])
})
