/** A release that another Helm process has locked, or left pending or failed. */
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import { expectFailureWithoutWrites, expectSuccess, expectToContainAll } from './expectations.ts'
import { holdNextRequest } from './faults.ts'
import { scenario } from './harness.ts'
import { upgradeRelease } from './helm-manual-operations.ts'
import { getObject, replaceObject } from './manual-operations.ts'
import { serviceOnlyInputs } from './run-inputs.ts'

/**
 * Decodes and encodes the JSON that Helm stores in a Secret: base64 by the API, base64 and gzip by
 * Helm.
 */
const decodeRelease = (data: string): string =>
  gunzipSync(Buffer.from(Buffer.from(data, 'base64').toString(), 'base64')).toString()

const encodeRelease = (text: string): string =>
  Buffer.from(gzipSync(text).toString('base64')).toString('base64')

/** Puts a revision into the state that a killed Helm process leaves. */
async function setPending(
  environment: TestEnvironment,
  revision: number,
  startedAt: Date,
  status = 'pending-upgrade',
): Promise<void> {
  const name = `sh.helm.release.v1.milvus-demo.v${revision}`
  const revisionSecret = await getObject(environment, 'secret', name)
  if (!revisionSecret) throw new Error(`Helm kept no revision ${revision}`)
  const release = JSON.parse(
    decodeRelease(String((revisionSecret['data'] as Record<string, string>)['release'])),
  ) as { info: { status: string; last_deployed: string } }
  Object.assign(release.info, { status, last_deployed: startedAt.toISOString() })
  await replaceObject(environment, {
    ...revisionSecret,
    metadata: { ...revisionSecret.metadata, labels: { ...revisionSecret.metadata.labels, status } },
    data: { release: encodeRelease(JSON.stringify(release)) },
  })
  if (revision === 1) return
  // Helm marks the previous revision as superseded only at the end of an upgrade.
  const previousSecret = await getObject(environment, 'secret', 'sh.helm.release.v1.milvus-demo.v1')
  if (previousSecret)
    await replaceObject(environment, {
      ...previousSecret,
      metadata: {
        ...previousSecret.metadata,
        labels: { ...previousSecret.metadata.labels, status: 'deployed' },
      },
    })
}

scenario(
  'a release locked by another Helm process: since when, and which revision to roll back to',
  async (scenario) => {
    await upgradeRelease(scenario.environment)
    await setPending(scenario.environment, 2, new Date(Date.now() - 14 * 60_000 - 5_000))
    const text = await expectFailureWithoutWrites(scenario, {}, 'release-pending')
    expectToContainAll(text, [
      'has been pending-upgrade for 14 minutes (revision 2)',
      'Helm never clears this state',
      'helm rollback milvus-demo 1 -n milvus --wait',
    ])
    await scenario.environment.helm('rollback', 'milvus-demo', '1', '--wait')
    expectSuccess(await scenario.run())
  },
)

scenario(
  'a first upgrade of a cluster left pending by another Helm process: the printed command works, where a rollback does not',
  async (scenario) => {
    const { environment } = scenario
    await environment.installMilvus({ mode: 'cluster' })
    await upgradeRelease(environment)
    await setPending(environment, 2, new Date())
    const command = 'kubectl delete secret sh.helm.release.v1.milvus-demo.v2 -n milvus'
    expect(
      await expectFailureWithoutWrites(scenario, serviceOnlyInputs, 'release-pending'),
    ).toContain(`run "${command}"`)
    await environment.kubectl(...command.split(' ').slice(1))
    expectSuccess(await scenario.run(serviceOnlyInputs))
  },
  { start: 'empty' },
)

scenario(
  'another Helm process starts while this run reads: rejected with nothing changed',
  async (scenario) => {
    const { environment } = scenario
    await upgradeRelease(environment)
    const releaseRequest = holdNextRequest(environment.faults, {
      service: 'charts',
      operation: 'GET /index.yaml',
    })
    const repositoryContacted = environment.requestLog.nextRequest(
      ({ service }) => service === 'charts',
    )
    const rejection = expectFailureWithoutWrites(scenario, {}, 'release-pending')
    await repositoryContacted
    await setPending(environment, 2, new Date())
    releaseRequest()
    expect(await rejection).toContain('Another Helm operation started during this run')
  },
)

scenario('an installation or uninstallation that never finished: what to do', async (scenario) => {
  await setPending(scenario.environment, 1, new Date(Date.now() - 3 * 3_600_000), 'pending-install')
  const text = await expectFailureWithoutWrites(scenario, {}, 'release-pending')
  expectToContainAll(text, ['for 3 hours', 'no revision to roll back to'])
  await setPending(scenario.environment, 1, new Date(), 'uninstalling')
  expect(await expectFailureWithoutWrites(scenario, {}, 'release-pending')).toContain(
    'and the release should stay, run "helm rollback milvus-demo 1 -n milvus --wait"',
  )
})

scenario(
  'a failed upgrade by someone else is not reverted: ignored if the Service is right, rejected if not',
  async (scenario) => {
    const { environment, run, writes } = scenario
    const release = environment.pausePodReadiness()
    await upgradeRelease(environment, {
      chartVersion: '5.0.19',
      flags: ['--set', 'service.type=ClusterIP', '--wait', '--timeout', '1s'],
    }).catch(() => '')
    release()
    const unchangedRun = await run()
    expectSuccess(unchangedRun)
    expect(unchangedRun.summary).toContain('is failed, and is not changed')
    expect(writes().filter((write) => write.includes('secrets'))).toEqual([])
    const text = await expectFailureWithoutWrites(
      scenario,
      { values: 'standalone: {replicas: 2}' },
      'release-failed',
    )
    expect(text).toContain('would undo chart 5.0.19')
  },
  { start: 'cluster-ip' },
)
