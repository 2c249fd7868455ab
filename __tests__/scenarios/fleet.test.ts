/** Fleets: a file of targets becomes jobs, and a job deploys its targets one after the other. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { findCertificate } from './acm-manual-operations.ts'
import { readJobInputs, runFleetAction } from './fleet-actions.ts'
import { scenario } from './harness.ts'
import { getObject } from './manual-operations.ts'
import { applyClusterSecret } from './secret-manual-operations.ts'

interface TargetResult {
  readonly name: string
  readonly outcome: string
  readonly outputs: Readonly<Record<string, string>>
}

scenario(
  'two targets of one job: the second is deployed although the first fails, and the job fails with both results',
  async ({ environment }) => {
    const { certificate, 'private-key': privateKey, ...inputs } = environment.inputs()
    const file = join(environment.directory, 'targets.yml')
    await writeFile(
      file,
      JSON.stringify({
        defaults: { ...inputs, region: environment.region, environment: 'production' },
        targets: [{ name: 'gone', namespace: 'nowhere' }, { name: 'here' }],
      }),
    )
    const matrix = await runFleetAction(environment, 'plan', { file })
    expect(matrix.exitCode).toBe(0)
    const [job, ...otherJobs] = (
      JSON.parse(matrix.outputs['matrix'] ?? '') as { include: Record<string, string>[] }
    ).include
    expect(otherJobs.map(({ name }) => name)).toEqual(['here'])

    const commonInputs = matrix.outputs['common-inputs'] ?? ''
    const allTargets = JSON.stringify(
      [job, ...otherJobs].flatMap((each) => JSON.parse(each?.['targets'] ?? '') as object[]),
    )
    const dryRun = await runFleetAction(environment, 'deploy', {
      targets: allTargets,
      'common-inputs': commonInputs,
      'dry-run': 'true',
      certificate: certificate ?? '',
      'private-key': privateKey ?? '',
    })
    expect(
      (JSON.parse(dryRun.outputs['results'] ?? '') as TargetResult[])[1]?.outputs,
    ).toMatchObject({ changed: 'false', changes: expect.stringContaining('service.type') })
    expect(dryRun.outputs['endpoint']).toBe('')
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeUndefined()

    const run = await runFleetAction(environment, 'deploy', {
      targets: allTargets,
      'common-inputs': commonInputs,
      certificate: certificate ?? '',
      'private-key': privateKey ?? '',
    })
    expect(run.exitCode).toBe(1)
    const results = JSON.parse(run.outputs['results'] ?? '') as TargetResult[]
    expect(results.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual([
      'gone failure',
      'here success',
    ])
    expect(results[0]?.outputs).toMatchObject({ 'failure-code': 'namespace-not-found' })
    expect(results[1]?.outputs['alb-address']).toMatch(/elb\.amazonaws\.com$/)
    expect(run.log).toContain('1 of 2 targets did not succeed: gone (namespace-not-found)')
    for (const output of [run.log, JSON.stringify(run.outputs), run.summary])
      expect(output).not.toContain((privateKey ?? '').split('\n')[1])
  },
)

scenario(
  'a job with a target that has a secret of its own and one with the certificate of the job',
  async ({ environment }) => {
    const { certificate = '', 'private-key': privateKey = '', ...inputs } = environment.inputs()
    const own = await environment.certificateAuthority.issue({ hosts: ['own.example.com'] })
    await applyClusterSecret(environment, {
      name: 'milvus-tls',
      entries: { 'tls.crt': own.fullchain, 'tls.key': own.privateKey },
    })
    const file = join(environment.directory, 'targets.yml')
    const ownTarget = { host: 'own.example.com', 'certificate-secret': 'milvus-tls' }
    await writeFile(
      file,
      JSON.stringify({
        defaults: { ...inputs, region: environment.region, environment: 'production' },
        targets: [
          { name: 'own', 'ingress-name': 'own', 'group-name': 'shared', ...ownTarget },
          { name: 'job', 'ingress-name': 'job', 'group-name': 'shared' },
        ],
      }),
    )
    const jobInputs = {
      ...readJobInputs(await runFleetAction(environment, 'plan', { file })),
      certificate,
      'private-key': privateKey,
    }
    for (const mode of ['deploy', 'check']) {
      const run = await runFleetAction(environment, 'deploy', { ...jobInputs, mode })
      const results = JSON.parse(run.outputs['results'] ?? '[]') as TargetResult[]
      expect({ mode, log: run.exitCode === 0 ? '' : run.log }).toEqual({ mode, log: '' })
      const served = await Promise.all(
        results.map(async ({ name, outputs }) => {
          const imported = await findCertificate(environment, outputs['certificate-arn'])
          return `${name}: ${imported?.x509.subjectAltName}`
        }),
      )
      expect(served).toEqual(['own: DNS:own.example.com', `job: DNS:${environment.host}`])
    }
  },
  { start: 'cluster-ip' },
)

scenario(
  'every mistake in a targets file is reported',
  async ({ environment }) => {
    const file = join(environment.directory, 'targets.yml')
    await writeFile(
      file,
      'targets: [{name: a, host: x}, {name: b, region: us-east-2, cluster: c, host: b.example.com, scheme: open}]',
    )
    const run = await runFleetAction(environment, 'plan', { file })
    expect(run.exitCode).toBe(1)
    expect(run.outputs['problems']?.split('\n')).toHaveLength(6)
    expect(run.outputs['artifacts']).toMatch(/^milvus-alb-results-[0-9a-f]{8}-$/)
    for (const filteredRun of [
      'a: Input cluster is empty',
      'a: Input region is empty',
      'a: Input host is "x"',
      'b: Input scheme is "open"',
    ]) {
      expect(decodeURIComponent(run.log)).toContain(filteredRun)
      expect(run.summary).toContain(filteredRun)
    }
    expect(
      (await runFleetAction(environment, 'plan', { file: join(environment.directory, 'none.yml') }))
        .log,
    ).toContain('Input file: cannot read ')

    await writeFile(
      file,
      'targets: [{name: a, environment: e, host: a.example.com, region: us-east-2, kubeconfig: k.yml}]',
    )
    const env = { MILVUS_ALB_WITHOUT_CHECKOUT: 'true' }
    const inWorkflow = await runFleetAction(environment, 'plan', { file }, { env })
    expect(inWorkflow.outputs['problems']).toContain(
      '- a: Input kubeconfig is the relative path k.yml, but the jobs of a reusable workflow do not check out your repository.',
    )
    expect((await runFleetAction(environment, 'plan', { file })).exitCode).toBe(0)
  },
  { start: 'empty' },
)

scenario(
  'a file of 1,000 targets becomes 250 jobs, and input only selects some',
  async ({ environment }) => {
    const file = join(environment.directory, 'targets.yml')
    const names = Array.from({ length: 1000 }, (_, index) => `target-${index}`)
    const defaults = {
      region: 'us-east-2',
      tags: Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`tag-${index}`, 'value'])),
      subnets: ['subnet-0a1b2c3d4e5f60718', 'subnet-1a1b2c3d4e5f60718'],
    }
    await writeFile(
      file,
      `defaults: ${JSON.stringify(defaults)}\ntargets:\n${names.map((name, index) => `  - {name: ${name}, environment: e${index % 50}, cluster: c${index}, host: ${name}.example.com, role-to-assume: "arn:aws:iam::111122223333:role/milvus-alb-${index % 50}"}`).join('\n')}\n`,
    )
    const { exitCode, outputs, log } = await runFleetAction(environment, 'plan', { file })
    expect([exitCode, log]).toEqual([0, expect.stringContaining('1000 targets in 250 jobs')])
    const { include } = JSON.parse(outputs['matrix'] ?? '') as { include: { targets: string }[] }
    expect(
      include
        .flatMap(({ targets }) => (JSON.parse(targets) as TargetResult[]).map(({ name }) => name))
        .sort(),
    ).toEqual([...names].sort())
    expect(JSON.parse(outputs['targets'] ?? '')).toEqual(names)
    expect(JSON.parse(outputs['common-inputs'] ?? '')).toMatchObject({ region: 'us-east-2' })
    // Source: GitHub, workflow syntax, jobs.<job_id>.outputs: 1 MB per job, in UTF-16. Linux,
    // execve(2): 128 KiB per variable, which an input is.
    expect(2 * Object.values(outputs).join('').length).toBeLessThan(2 ** 20)
    expect((outputs['targets'] ?? '').length).toBeLessThan(2 ** 17)

    const filteredRun = await runFleetAction(environment, 'plan', {
      file,
      only: 'target-99*, target-1',
    })
    expect(JSON.parse(filteredRun.outputs['targets'] ?? '')).toEqual([
      'target-1',
      'target-99',
      ...Array.from({ length: 10 }, (_, index) => `target-99${index}`),
    ])
    expect(filteredRun.outputs['artifacts']).not.toBe(outputs['artifacts'])
    expect(
      (await runFleetAction(environment, 'plan', { file, mode: 'check' })).outputs['artifacts'],
    ).not.toBe(outputs['artifacts'])
    expect(
      (await runFleetAction(environment, 'plan', { file, only: 'target-1, tarket-2' })).log,
    ).toContain('Input only contains tarket-2, which matches none of the 1000 targets')
  },
  { start: 'empty' },
)
