/**
 * Malicious inputs for the built action, set as a runner would. Each run ends quickly, with a code,
 * without a stack trace and without the secrets in the input.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { createCertificateAuthority } from '../../testing/certificates.ts'
import { executeAction } from '../../testing/runner.ts'
import { repositoryRoot } from '../../testing/environment.ts'
import { setInvalidExpiry } from '../x509/weak-fixtures.ts'
import { recordResult, sample } from './result-tables.ts'
import { minimalInputs, type Inputs } from './inputs.ts'

const { certificate, privateKey, chain } = await (
  await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
).issue({ hosts: ['milvus.example.com'], keyAlgorithm: 'EC_prime256v1' })
const [privateKeyLine = ''] = privateKey
  .split('\n')
  .filter((line) => line.length === 64 && !line.startsWith('MIGH'))
const canary = 'canary-8d1c'

const hostileInputs: readonly (readonly [what: string, inputs: Inputs, expectedMessage: string])[] =
  [
    [
      'a billion laughs',
      {
        values: `p: &a0 [${canary}]\n${Array.from({ length: 9 }, (_, level) => `a${level}: &a${level + 1} [${Array(10).fill(`*a${level}`).join(', ')}]`).join('\n')}`,
      },
      'Input values is longer than a million characters',
    ],
    [
      'a map that contains itself',
      { values: `a: &a {password: ${canary}, b: *a}` },
      'refer to themselves',
    ],
    [
      'a hundred thousand empty lines',
      { values: `password: "${canary}${'\n'.repeat(100_000)}#` },
      'Input values is not valid YAML',
    ],
    [
      'a number that is infinite',
      { values: `a: .inf\npassword: ${canary}` },
      'Input values contains a number that is not finite',
    ],
    [
      'a duration of a hundred thousand digits',
      { 'probe-timeout': `1${'0'.repeat(100_000)}` },
      'Input probe-timeout is a text of 100001 characters',
    ],
    ['a private key as a host', { host: privateKey }, 'Input host contains PEM'],
    [
      'a long password as a release',
      { release: `${canary}-`.repeat(20) },
      'Input release is a text of 240 characters',
    ],
    [
      'an attribute named __proto__',
      {
        annotations:
          'alb.ingress.kubernetes.io/load-balancer-attributes: __proto__=x,deletion_protection.enabled=perhaps',
      },
      'deletion_protection.enabled=perhaps',
    ],
    [
      'a certificate with an invalid expiry date',
      {
        'certificate-arn': '',
        certificate: setInvalidExpiry(certificate),
        'certificate-chain': chain,
        'private-key': privateKey,
      },
      'Input certificate contains a certificate that cannot be parsed',
    ],
    [
      'workflow commands',
      { 'ingress-name': '::error::x\n##[error]y\n::add-mask::z' },
      'Input ingress-name is "::error::x\\n##[error]y',
    ],
  ]

test('the built action rejects malicious inputs', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'milvus-alb-bad-input-'))
  try {
    const sampledCases = sample(hostileInputs, 4)
    for (const [what, inputs, expectedMessage] of sampledCases) {
      const run = await executeAction({
        actionDirectory: repositoryRoot,
        directory,
        env: {},
        inputs: { ...minimalInputs, ...inputs },
        timeoutMs: 30_000,
      })
      const allOutput = [run.log, run.summary, JSON.stringify(run.outputs)].join('\n')
      const annotations = run.log.match(/^::error .*$/gm) ?? []
      expect({
        what,
        exitCode: run.exitCode,
        code: run.outputs['failure-code'],
        annotations: annotations.length,
        remainingFiles: run.remainingFiles,
      }).toEqual({
        what,
        exitCode: 1,
        code: expect.stringMatching(/^(input-invalid|certificate-unreadable)$/),
        annotations: 1,
        remainingFiles: [],
      })
      expect(decodeURIComponent(annotations.join(''))).toContain(expectedMessage)
      for (const secret of [canary, privateKeyLine, privateKeyLine.slice(0, 24)])
        expect(allOutput).not.toContain(secret)
      expect(run.log).not.toMatch(
        /^\s+at |internal-error|^##\[|^::(?!(error|group|endgroup|set-output|debug|warning)\b)/m,
      )
    }
    recordResult('malformed-inputs', {
      subject: 'the worst cases, with the built action',
      cases: sampledCases.length,
      rejected: sampledCases.length,
      accepted: 0,
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
