/** Input rest: the RESTful API of Milvus beside gRPC, through a Service of its own. */
import { request as httpsRequest } from 'node:https'
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import type { RunResult } from '../../testing/runner.ts'
import { checkInputs, expectClean, expectDrift } from './check-expectations.ts'
import {
  expectAdditionalFailure,
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
  expectWarnings,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { importOtherCertificate, listCertificates } from './acm-manual-operations.ts'
import { getRules } from './alb-manual-operations.ts'
import { certificateInputs, issueWithLargerKey } from './certificate-inputs.ts'
import { denyAdmission, denyHelmOnce, holdNextRequest } from './faults.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { buildGroupMember } from './ingress-manual-operations.ts'
import { createObjects, getObject, patchObject } from './manual-operations.ts'
import { destroyInputs, shortProbe } from './run-inputs.ts'

setDefaultStart('cluster-ip')

const restInputs = { rest: 'true' }
const serviceName = 'milvus-demo-rest'

const getRestService = (environment: TestEnvironment) =>
  getObject(environment, 'service', serviceName)

async function listPaths(environment: TestEnvironment): Promise<string[]> {
  const ingress = await getObject(environment, 'ingress', 'milvus-demo')
  const { rules } = ingress?.['spec'] as {
    rules: { http: { paths: { path: string; backend: { service: { name: string } } }[] } }[]
  }
  return rules.flatMap(({ http }) =>
    http.paths.map(({ path, backend }) => `${path} ${backend.service.name}`),
  )
}

const parseRest = (run: RunResult): unknown =>
  (JSON.parse(run.outputs['probe'] ?? '{}') as { rest?: unknown }).rest

/** Lists collections as curl does. Milvus has v2 since 2.4, and the lab's Milvus is older. */
function callRest(environment: TestEnvironment): Promise<{ status: number; body: string }> {
  const isLab = environment.name === 'lab'
  const { albAddress, listenPort, host, certificateAuthority } = environment
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host: albAddress,
      port: listenPort,
      servername: host,
      ca: certificateAuthority.root,
      method: isLab ? 'GET' : 'POST',
      path: isLab ? '/v1/vector/collections' : '/v2/vectordb/collections/list',
      headers: { host, 'content-type': 'application/json' },
    })
    request.on('error', reject)
    request.on('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    request.end(isLab ? '' : '{}')
  })
}

/** The parts of a run's writes that concern the order of the Service and the Ingress. */
const listKubernetesWrites = (writes: readonly string[]): string[] =>
  writes
    .filter((write) => write.startsWith('kubernetes '))
    .map((write) => write.replace(/kubernetes (\w+) .*\/(\w+)\/[^/]+$/, '$1 $2'))

scenario(
  'the RESTful API is served beside gRPC, maintained, and removed',
  async ({ environment, run, writes }) => {
    const first = expectSuccess(await run(restInputs))
    expect(listKubernetesWrites(writes())).toEqual(['PATCH services', 'PATCH ingresses'])
    expect(await listPaths(environment)).toEqual([
      `/v1/vector ${serviceName}`,
      `/v2/vectordb ${serviceName}`,
      '/ milvus-demo',
    ])
    expect(first.outputs['rest-endpoint']).toBe(
      `https://${environment.host}:${environment.listenPort}/v2/vectordb`,
    )
    expect(parseRest(first)).toEqual({
      answers: true,
      api: environment.name === 'lab' ? 'v1' : 'v2',
      requiresCredentials: false,
    })
    expect(first.summary).toMatch(/RESTful API v[12] answers/)
    expect(first.summary).toContain(`rest -->|"Service ${serviceName}"| milvus`)
    const answer = await callRest(environment)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatch(/^\{"code":(0|200),"data":\[/)
    expectUnchanged(await run(restInputs))
    expect(writes()).toEqual([])
    expectClean(await run({ ...restInputs, ...checkInputs }))

    // What others add without an effect is theirs. A label of the selector has one.
    const metrics = { name: 'metrics', port: 9091, protocol: 'TCP', targetPort: 9091 }
    const { ports } = (await getRestService(environment))?.['spec'] as { ports: object[] }
    await patchObject(environment, `service/${serviceName}`, {
      metadata: { labels: { team: 'search' }, annotations: { 'example.com/team': 'search' } },
      spec: { ports: [...ports, metrics], selector: { 'app.kubernetes.io/name': 'other' } },
    })
    const checkWithoutProbe = { ...restInputs, ...checkInputs, probe: 'off' }
    expectDrift(await run(checkWithoutProbe), ['ingress spec.selector'])
    // A change of the Service alone is reconciled by the controller, too, and awaited.
    expect(listChanges(expectSuccess(await run(restInputs)))).toEqual([
      'ingress spec.selector',
      'load-balancer milvus-alb-action/reconcile-requested-at',
    ])
    expect(listKubernetesWrites(writes())).toEqual(['PATCH services', 'PATCH ingresses'])
    expect((await getRestService(environment))?.['spec']).toMatchObject({
      ports: [{ name: 'rest' }, { name: 'metrics' }],
    })
    expectUnchanged(await run(restInputs))
    await patchObject(environment, `service/${serviceName}`, {
      spec: { ports: [{ name: 'rest', port: 19531, targetPort: 19530 }] },
    })
    const rejected = expectFailure(await run(restInputs), 'ingress', 'ingress-refused')
    expect(getErrorAnnotation(rejected)).toContain(`Delete Service ${serviceName}`)
    await environment.kubectl('delete', 'service', serviceName)
    const check = await run(checkWithoutProbe)
    expect(check.outputs['drift']).toBe('true')
    expect(listChanges(check)).toContain('ingress spec.selector')
    expectSuccess(await run(restInputs))
    expectClean(await run({ ...restInputs, ...checkInputs }))

    const removal = expectSuccess(await run())
    expect(listChanges(removal)).toEqual(['ingress spec.rules', 'ingress RESTful API'])
    expect(listKubernetesWrites(writes())).toEqual(['PATCH ingresses', 'DELETE services'])
    expect(await getRestService(environment)).toBeUndefined()
    expect(await listPaths(environment)).toEqual(['/ milvus-demo'])
    expect(removal.outputs['rest-endpoint']).toBeUndefined()
    expectUnchanged(await run())

    expectSuccess(await run(restInputs))
    expectSuccess(await run(destroyInputs))
    expect(listKubernetesWrites(writes()).slice(0, 2)).toEqual([
      'DELETE ingresses',
      'DELETE services',
    ])
    expect(await getRestService(environment)).toBeUndefined()
  },
)

scenario(
  'the RESTful API works with a group, cutover: last and a rollback',
  async ({ environment, run }) => {
    const inputs = { ...restInputs, 'group-name': 'shared', cutover: 'last', values: '' }
    const arn = await importOtherCertificate(environment)
    await createObjects(
      environment,
      buildGroupMember(environment, 'a-other', { 'certificate-arn': arn }),
    )
    environment.faults.inject(denyHelmOnce(/^PATCH .*\/services\/milvus-demo$/))
    const failed = expectFailure(
      await run({ ...inputs, 'on-failure': 'rollback' }),
      'release',
      'helm-upgrade-failed',
    )
    expect(parseRest(failed)).toMatchObject({ answers: true })
    expect(await getRestService(environment)).toBeUndefined()
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeUndefined()

    expectSuccess(await run(inputs))
    expectClean(await run({ ...inputs, ...checkInputs }))
  },
  { start: 'installed' },
)

scenario('the permissions for the RESTful API are checked before any write', async (scenario) => {
  const { environment, run } = scenario
  const env = await environment.assumeRole()
  const expectForbidden = async (inputs: Readonly<Record<string, string>>): Promise<void> => {
    const role = await environment.assumeRole('get services')
    expect(await expectFailureWithoutWrites(scenario, inputs, 'cluster-forbidden', role)).toMatch(
      /get services|cannot get resource "services"/,
    )
  }
  expectSuccess(await run(restInputs, { env }))
  await patchObject(environment, `service/${serviceName}`, {
    spec: { selector: { 'app.kubernetes.io/name': 'other' } },
  })
  await expectForbidden({ ...restInputs, 'on-failure': 'rollback' })
  await expectForbidden(destroyInputs)
  expectSuccess(await run({}, { env }))
  const removal = await run(destroyInputs, {
    env: await environment.assumeRole('get services'),
  })
  expect(expectSuccess(removal).summary).toContain(
    `Not allowed to read Service ${serviceName} (get services)`,
  )
})

scenario(
  'a rollback deletes the Service of the RESTful API once the ALB no longer uses it',
  async ({ environment, run, writes }) => {
    expectSuccess(await run())
    const inputs = { ...restInputs, ...shortProbe, 'on-failure': 'rollback' }
    const deletion = { service: 'kubernetes', operation: /^DELETE .*\/services\// } as const
    await environment.overrideAlb({ fixedStatus: 502 })
    environment.controller.options.reconcileDelay = 1_000
    const continueDeletion = holdNextRequest(environment.faults, deletion)
    const deletionRequest = environment.requestLog.nextRequest(({ operation }) =>
      deletion.operation.test(operation),
    )
    const running = run(inputs)
    await deletionRequest
    const rules = await getRules(environment)
    continueDeletion()
    const failed = expectFailure(await running, 'probe', 'probe-target-failed')
    expect(JSON.stringify(rules)).not.toContain('/v2/vectordb')
    expect(getErrorAnnotation(failed)).not.toContain('rollback is incomplete')
    expect(await getRestService(environment)).toBeUndefined()

    const removeFault = environment.faults.inject(
      denyAdmission(deletion.operation, 'keep the Service'),
    )
    const other = certificateInputs(await issueWithLargerKey(environment))
    const incomplete = expectFailure(
      await run({ ...inputs, ...other }),
      'probe',
      'probe-target-failed',
    )
    expectAdditionalFailure(incomplete, 'rollback-incomplete')
    expect(getErrorAnnotation(incomplete)).toMatch(
      /The rollback is incomplete\. Service milvus-demo-rest: The Kubernetes API rejected the deletion of Service milvus-demo-rest for the RESTful API: .*keep the Service\. (?!.*rest: false)/,
    )
    // The Ingress was rolled back, so its certificate is not in use any more.
    expect(getErrorAnnotation(incomplete)).not.toContain('ACM certificate')
    expect(await listCertificates(environment)).toHaveLength(1)
    expect(writes().slice(-2)).toEqual(['acm DeleteCertificate', expect.stringContaining('DELETE')])
    removeFault()
    await environment.overrideAlb({ fixedStatus: undefined })
    expect(listChanges(expectSuccess(await run()))).toEqual(['ingress RESTful API'])
  },
  { requiresSimulatedController: true },
)

simulatorScenario(
  'a RESTful API that does not answer fails the run, which is rolled back',
  'a real Milvus cannot be made to serve HTTP badly',
  async (scenario) => {
    const { environment, run, writes } = scenario
    await createObjects(environment, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: serviceName, namespace: environment.namespace },
      spec: { ports: [{ port: 80 }] },
    })
    expect(await expectFailureWithoutWrites(scenario, restInputs, 'service-not-ours')).toContain(
      `Service ${serviceName}, which input rest needs for the RESTful API, was not created by this action`,
    )
    expectSuccess(await run())
    expect(writes().join(' ')).not.toContain(serviceName)
    await environment.kubectl('delete', 'service', serviceName)

    environment.milvus.restApi = 'off'
    const failed = expectFailure(
      await run({ ...restInputs, ...shortProbe, 'on-failure': 'rollback' }),
      'probe',
      'probe-rest-failed',
    )
    expectToContainAll(getErrorAnnotation(failed), [
      'gRPC works, but the RESTful API does not',
      'HTTP 502',
      'Set proxy.http.enabled: true',
    ])
    expect(parseRest(failed)).toEqual({ answers: false, api: null, requiresCredentials: null })
    expect(failed.log).toContain(`rolled back: Service ${serviceName} is deleted`)
    expect(await getRestService(environment)).toBeUndefined()
    expect(await listPaths(environment)).toEqual(['/ milvus-demo'])

    const token = await environment.enableAuthorization()
    environment.milvus.restApi = 'on'
    const authorized = expectSuccess(await run({ ...restInputs, 'milvus-token': token }))
    expect(parseRest(authorized)).toMatchObject({ requiresCredentials: true })
    environment.milvus.restApi = 'open'
    const inputs = { ...restInputs, 'milvus-token': token }
    expectWarnings(expectSuccess(await run(inputs)), [
      'The RESTful API answers without credentials, although gRPC requires them',
    ])
    expectFailure(
      await run({ ...inputs, 'require-authorization': 'true' }),
      'probe',
      'milvus-authorization-off',
    )
  },
)
