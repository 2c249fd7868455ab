/**
 * The releases that Milvus' chart makes: each version and mode, with both majors of helm. `npm run matrix` plays all of them and
 * writes docs/compatibility.md; the tests play those that differ most.
 */
import { appendFileSync } from 'node:fs'
import { expect } from '@jest/globals'
import { modeValues, type InstallationMode } from '../../sandbox/charts/modes.ts'
import type { HelmMajor } from '../../sandbox/tools.ts'
import { annotation, changed, expectFailure, expectSuccess, expectUnchanged, scenario, scenariosStart } from './harness.ts'

scenariosStart('empty')

/** A release as it is before the action comes. */
interface Origin {
  readonly chart: string
  readonly mode: InstallationMode
  readonly helm: HelmMajor
}

const origins: readonly Origin[] = ['4.0.34', '4.1.36', '4.2.58', '5.0.19'].flatMap((chart) =>
  (Object.keys(modeValues) as InstallationMode[]).flatMap((mode) => ([4, 3] as const).map((helm) => ({ chart, mode, helm }))))

const isWhole = process.env['MATRIX'] === 'whole'
const differsMost = ({ chart, mode }: Origin): boolean => chart === '4.2.58' && mode === 'cluster'

for (const origin of origins.filter((each) => isWhole || differsMost(each))) {
  const { chart, mode, helm } = origin
  scenario(`chart ${chart}, ${mode}, helm ${helm}: deployed without any input for it, checked, destroyed`, async ({ world, run, writes }) => {
    await world.useHelm(helm)
    await world.installMilvus({ mode, chartVersion: chart })
    // The values of this installation are to stay as they are.
    const inputs = { values: '' }
    const restarted = mode === 'standalone' ? undefined : 'restart pods: StatefulSet milvus-demo-etcd: 3 pods, one after the other'
    const looked = await run({ ...inputs, mode: 'check', 'probe-timeout': '1s' })
    expect(looked.summary).toContain(restarted === undefined ? 'This check cannot tell which pods the upgrade would restart: a check does not have helm render the chart' : `The upgrade would ${restarted}. Every first upgrade of this release does so.`)
    const deployed = expectSuccess(await run(inputs))
    expect(changed(deployed).filter((change) => change.startsWith('release'))).toEqual(['release service.type'])
    if (restarted === undefined) expect(deployed.summary).not.toContain('restarts pods')
    else expect(deployed.summary).toContain(`The upgrade ${restarted.replace('restart', 'restarts')}; `)
    expectUnchanged(await run(inputs))
    expect(writes()).toEqual([])
    expect(expectSuccess(await run({ ...inputs, mode: 'check' })).outputs['drift']).toBe('false')
    // In cluster mode the annotations of the guide for EKS hand the Service to the AWS Load Balancer Controller.
    if (mode === 'cluster') expect(deployed.summary).toContain('The controller may keep it when the Service becomes ClusterIP')
    expectSuccess(await run({ ...inputs, mode: 'destroy', 'restore-service-type': 'LoadBalancer', ...(mode === 'cluster' ? {} : { 'restore-load-balancer-class': 'service.k8s.aws/nlb' }) }))
    const [service, release] = await Promise.all([world.kubectl('get', 'service', 'milvus-demo', '-o', 'jsonpath={.spec.type}'), world.helm('get', 'metadata', 'milvus-demo', '-o', 'json')])
    expect({ service, release: JSON.parse(release) as object }).toMatchObject({ service: 'LoadBalancer', release: { version: chart, status: 'deployed' } })
    const file = process.env['MATRIX_RECORD'] ?? ''
    if (file !== '') appendFileSync(file, `${JSON.stringify(origin)}\n`)
  })
}

for (const helm of [4, 3] as const) {
  scenario(`helm ${helm}: a pod beside Milvus is not ready: it does not hold up a change of the Service, and is named before any other change`, async ({ world, run, writes }) => {
    await world.useHelm(helm)
    await world.installMilvus({ values: { attu: { enabled: true } } })
    const release = world.holdPods()
    await world.kubectl('delete', 'pods', '--selector', 'component=attu', '--wait=false')
    await world.kubectl('wait', 'deployment/milvus-demo-attu', '--for=jsonpath={.status.unavailableReplicas}=1', '--timeout=30s')
    const named = expectFailure(await run({ values: 'minio: {bucketName: other}' }), 'preflight', 'release-not-ready')
    expect(annotation(named)).toContain('Deployment milvus-demo-attu (0 of 1 pods ready)')
    expect(writes()).toEqual([])
    expectSuccess(await run({ values: '' }))
    release()
  })
}
