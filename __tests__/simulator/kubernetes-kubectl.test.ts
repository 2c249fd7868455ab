import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { resources, reviewResources } from '../../simulator/kubernetes/resources.ts'
import {
  api,
  requestLog,
  start,
  run,
  buildIngress,
  listFieldManagers,
  arn,
  startFixture,
  stopFixture,
} from './kubernetes-fixture.ts'
import { waitUntil } from '../../testing/wait.ts'

beforeAll(startFixture)
afterAll(stopFixture)

describe('kubectl', () => {
  const annotation = (): string | undefined =>
    api.get('Ingress', 'milvus', 'milvus-demo')?.metadata.annotations?.[arn]

  test('discovers all resources with two requests', async () => {
    const requestCount = requestLog.requests.length
    const lines = (await run('kubectl', ['api-resources', '--no-headers', '-o', 'wide'])).trim()
    expect(lines).toMatch(
      /^deployments +deploy +apps\/v1 +true +Deployment +create,delete,get,list,patch,update,watch +all *$/m,
    )
    expect(lines).toMatch(
      /^ingressclasses +networking\.k8s\.io\/v1 +false +IngressClass +create,.*,watch *$/m,
    )
    expect(lines.split('\n')).toHaveLength(resources.length + reviewResources.length)
    expect(
      requestLog.requests
        .slice(requestCount)
        .map(({ operation }) => operation)
        .sort(),
    ).toEqual(['GET /api', 'GET /apis'])
  })

  test('applies, annotates and prints an Ingress', async () => {
    expect(
      await run('kubectl', ['apply', '-f', '-'], JSON.stringify(buildIngress({ [arn]: 'one' }))),
    ).toContain('created')
    expect(
      await run('kubectl', ['apply', '-f', '-'], JSON.stringify(buildIngress({ [arn]: 'one' }))),
    ).toContain('unchanged')
    expect(
      await run('kubectl', ['apply', '-f', '-'], JSON.stringify(buildIngress({ [arn]: 'two' }))),
    ).toContain('configured')
    await run('kubectl', ['annotate', '--overwrite', 'ingress/milvus-demo', `${arn}=three`])
    expect(annotation()).toBe('three')
    expect(listFieldManagers('milvus-demo')).toEqual([
      'kubectl-client-side-apply Update',
      'kubectl-annotate Update',
    ])
    expect(await run('kubectl', ['get', 'ingress'])).toMatch(
      /NAME +CLASS +HOSTS +ADDRESS +PORTS +AGE\nmilvus-demo +alb +milvus\.example\.com +80 /,
    )
    expect(await run('kubectl', ['describe', 'ingress', 'milvus-demo'])).toContain(
      'milvus-demo:19530',
    )
  })

  test('migrates to server-side apply and then removes omitted fields', async () => {
    await run('kubectl', ['annotate', 'ingress/milvus-demo', `${arn}-`])
    await run(
      'kubectl',
      ['apply', '-f', '-'],
      JSON.stringify(buildIngress({ [arn]: 'one', 'example.com/old': 'yes' })),
    )
    const serverSide = (value: string): Promise<string> =>
      run(
        'kubectl',
        ['apply', '--server-side', '--field-manager=mine', '-f', '-'],
        JSON.stringify(buildIngress({ [arn]: value })),
      )
    // kubectl applies first and moves the ownership afterwards: with another value, the first step
    // already fails.
    await expect(serverSide('four')).rejects.toThrow(
      'conflict with "kubectl-client-side-apply" using networking.k8s.io/v1',
    )
    await serverSide('one')
    expect(api.get('Ingress', 'milvus', 'milvus-demo')?.metadata.annotations).toEqual({
      [arn]: 'one',
    })
    expect(listFieldManagers('milvus-demo')).toEqual(['mine Apply'])
    await serverSide('four')
    expect(annotation()).toBe('four')
  })

  test('changes fields that it applied before under its own field manager', async () => {
    await run(
      'kubectl',
      ['apply', '-f', '-'],
      JSON.stringify(buildIngress({ [arn]: 'one', 'example.com/old': 'yes' }, 'kubectls')),
    )
    await run(
      'kubectl',
      ['apply', '--server-side', '-f', '-'],
      JSON.stringify(buildIngress({ [arn]: 'two' }, 'kubectls')),
    )
    expect(listFieldManagers('kubectls')).toEqual(['kubectl Apply', 'kubectl-last-applied Apply'])
    expect(
      Object.keys(api.get('Ingress', 'milvus', 'kubectls')?.metadata.annotations ?? {}).filter(
        (name) => !name.startsWith('kubectl'),
      ),
    ).toEqual([arn])
  })

  test('rejects a type change that keeps the source ranges', async () => {
    api.create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'balanced', namespace: 'milvus' },
      spec: {
        type: 'LoadBalancer',
        loadBalancerSourceRanges: ['0.0.0.0/0'],
        ports: [{ port: 19530 }],
      },
    })
    const { code, output } = await start('kubectl', [
      '-n',
      'milvus',
      'patch',
      'svc',
      'balanced',
      '-p',
      '{"spec":{"type":"NodePort"}}',
    ]).ended
    expect(code).toBe(1)
    expect(output).toContain(
      'The Service "balanced" is invalid: spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is \'LoadBalancer\'',
    )
    api.remove('Service', 'milvus', 'balanced')
    await waitUntil(() => api.get('Service', 'milvus', 'balanced') === undefined)
  })
})
