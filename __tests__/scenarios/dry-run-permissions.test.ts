/** A dry run needs no permission to write, and no private key. */
import { expect } from '@jest/globals'
import { loadRbacObjects } from '../../testing/shipped-permissions.ts'
import {
  expectFailure,
  expectSuccess,
  expectToContainAll,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { scenario } from './harness.ts'
import { dryRunInputs, serviceOnlyInputs } from './run-inputs.ts'

const inputsWithoutKey = { ...dryRunInputs, 'private-key': '' }

/** Every write that the shipped roles grant: `patch services, create secrets`. */
const allWrites = loadRbacObjects()
  .flatMap(({ rules = [] }) => rules)
  .flatMap(({ resources, verbs }) =>
    verbs
      .filter((verb) => !['get', 'list', 'watch'].includes(verb))
      .flatMap((verb) => resources.map((resource) => `${verb} ${resource}`)),
  )
  .join(', ')

scenario(
  'a dry run with the role for checks and without the key lists what a deployment changes, and what it could not check',
  async ({ environment, run, writes }) => {
    const asDeployer = expectSuccess(
      await run(dryRunInputs, { env: await environment.assumeRole() }),
    )
    const env = await environment.assumeRole('', 'check')
    const result = expectSuccess(await run(inputsWithoutKey, { env }))
    expect(writes()).toEqual([])
    expect(listChanges(result)).toEqual(listChanges(asDeployer))
    expect(listChanges(result)).toContain('release service.type')
    expect(result.outputs).toMatchObject({
      changed: 'false',
      restarts: '',
      irreversible: asDeployer.outputs['irreversible'],
      failures: '[]',
    })
    expect(asDeployer.outputs['restarts']).toBe('[]')
    expect(JSON.parse(result.outputs['irreversible'] ?? '')).toEqual([
      {
        object: expect.stringMatching(/^load balancer of Service milvus\/milvus-demo/),
        why: 'it is deleted, and a new one would have a new name',
      },
    ])
    for (const note of [
      'This run could not check whether private-key belongs to certificate and clients accept the chain: it is empty.',
      'This identity may not write the Ingress. The deployment also needs, in namespace milvus: ',
    ])
      expect(result.log).toContain(`note: ${note}`)
    for (const permission of ['list secrets', 'get secrets', 'patch ingresses', 'create ingresses'])
      expect(result.log).toMatch(new RegExp(`The deployment also needs, .*${permission}`))
    const denied = expectFailure(
      await run(inputsWithoutKey, { env: await environment.assumeRole('list services', 'check') }),
      'preflight',
      'cluster-forbidden',
    )
    expect(getErrorAnnotation(denied)).toMatch(/not allowed to list Services[^]*rbac-check\.yaml/)
    // The Service tells who manages it, also without the release.
    const trackingId = 'argocd.argoproj.io/tracking-id'
    const annotate = (annotation: string): Promise<string> =>
      environment.kubectl('annotate', 'service', 'milvus-demo', annotation)
    await annotate(`${trackingId}=vectors:/Service:milvus/milvus-demo`)
    const managed = expectFailure(
      await run(inputsWithoutKey, { env: await environment.assumeRole('', 'check') }),
      'preflight',
      'release-managed-elsewhere',
    )
    expectToContainAll(getErrorAnnotation(managed), [
      'Service milvus-demo is managed by Argo CD (Application vectors), which would revert it',
      'set service: milvus-demo instead of release',
    ])
    await annotate(`${trackingId}-`)
    // With values to compare, the summary says that they were not, also when nothing else differs.
    expectSuccess(await run(serviceOnlyInputs, { env: await environment.assumeRole() }))
    await annotate(`${trackingId}=vectors:/Service:milvus/milvus-demo`)
    const asChecker = { env: await environment.assumeRole('', 'check') }
    const converged = expectSuccess(await run({ 'dry-run': 'true', 'private-key': '' }, asChecker))
    expect(converged.summary).toContain('so chart-version and values were not compared')
    expect(converged.summary).toContain('no changes needed, but the release was not compared')
    expect(converged.summary).toContain(
      'is managed by Argo CD (Application vectors), and needs no change',
    )
    expect(converged.outputs).toMatchObject({ changes: '[]', restarts: '' })
  },
)

scenario(
  'a dry run that may read the release but not write lists the pods that restart; one that lacks a single permission to write fails',
  async ({ environment, run, writes }) => {
    await environment.installMilvus({ mode: 'cluster' })
    const env = await environment.assumeRole(allWrites)
    const result = expectSuccess(await run(inputsWithoutKey, { env }))
    expect(writes()).toEqual([])
    expect(JSON.parse(result.outputs['restarts'] ?? '')).toEqual([
      {
        object: expect.stringMatching(/^StatefulSet .*-etcd$/),
        pods: 3,
        order: 'one after the other',
      },
    ])
    expect(result.summary).toContain('This identity may not write the Ingress.')
    expect(result.summary).toMatch(/Preflight did not check whether others changed .*no patch/)
    const withoutGet = await environment.assumeRole(`${allWrites}, get deployments`)
    const addition = { ...inputsWithoutKey, values: 'attu: {enabled: true}' }
    expectFailure(await run(addition, { env: withoutGet }), 'preflight', 'cluster-forbidden')
    const failure = expectFailure(
      await run(dryRunInputs, { env: await environment.assumeRole('patch services') }),
      'preflight',
      'cluster-forbidden',
    )
    expect(getErrorAnnotation(failure)).toContain('lacks permissions')
    expect(JSON.parse(failure.outputs['failures'] ?? '')).toEqual([
      {
        step: 'preflight',
        code: 'cluster-forbidden',
        problem: expect.stringMatching(/needs in namespace milvus: .*patch services/),
        remedy: expect.stringMatching(/^Bind the roles/),
      },
    ])
  },
  { start: 'empty' },
)
