/** Helm values of a fleet: in the targets file, and in a secret of the environment. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { keepUnmaskedOutputs } from '../../testing/masks.ts'
import { expectWarnings } from './expectations.ts'
import { readJobInputs, runFleetAction } from './fleet-actions.ts'
import { scenario } from './harness.ts'
import { collectRunOutputs, findLeaks, valuesCanary } from './leaks.ts'

const secretValues = { minio: { secretKey: valuesCanary, note: 'secret' } }

scenario(
  'Helm gets the values of defaults, of the target and of the secret, in this order, and the outputs of the jobs survive',
  async ({ environment }) => {
    const { certificate, 'private-key': privateKey, ...inputs } = environment.inputs()
    const file = join(environment.directory, 'targets.yml')
    const defaults = { ...inputs, region: environment.region, environment: 'production' }
    const defaultLines = Object.entries(defaults).map(
      ([key, value]) => `${key}: ${JSON.stringify(value)}`,
    )
    await writeFile(
      file,
      `defaults:
  ${defaultLines.join('\n  ')}
  values:
    minio: {bucketName: defaults, note: defaults, fileMode: 0644, traced: no}
    hosts: [defaults, defaults]
targets:
  - name: here
    values: |
      minio: {bucketName: target}
      hosts: [target]
`,
    )
    const plan = await runFleetAction(environment, 'plan', { file })
    expect([plan.exitCode, plan.log]).toEqual([0, '1 target in 1 job\n'])

    const secret = JSON.stringify(secretValues)
    const secrets = [secret, certificate ?? '', privateKey ?? '']
    const jobInputs = {
      ...readJobInputs(plan),
      certificate: certificate ?? '',
      'private-key': privateKey ?? '',
      'secret-values': secret,
    }
    const run = await runFleetAction(environment, 'deploy', jobInputs)
    expect([run.exitCode, run.exitCode === 0 ? '' : run.log]).toEqual([0, ''])
    expect(
      JSON.parse(await environment.helm('get', 'values', 'milvus-demo', '-o', 'json')),
    ).toMatchObject({
      minio: {
        bucketName: 'target',
        note: 'secret',
        fileMode: 0o644,
        traced: false,
        secretKey: valuesCanary,
      },
      hosts: ['target'],
      service: { type: 'ClusterIP' },
    })
    const outputs = await collectRunOutputs(environment, run)
    expect(findLeaks(outputs, [{ name: 'values', text: valuesCanary }])).toEqual([])

    for (const step of [plan, run]) expect(keepUnmaskedOutputs(step, secrets)).toEqual(step.outputs)
    // The reason to store it in one line.
    const longSecret = JSON.stringify(secretValues, null, 2)
    expect(keepUnmaskedOutputs(plan, [longSecret])).not.toHaveProperty('matrix')

    const check = { ...jobInputs, mode: 'check', 'secret-values': longSecret }
    const again = await runFleetAction(environment, 'deploy', check)
    expect([again.exitCode, again.outputs['results']]).toEqual([
      0,
      expect.stringContaining('"drift":"false"'),
    ])
    expectWarnings(again, ['Input secret-values has short lines.'])
    expect(run.log).not.toContain('Input secret-values')
  },
)
