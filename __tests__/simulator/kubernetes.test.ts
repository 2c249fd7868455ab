import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueLoopbackCertificate } from '../../testing/certificates.ts'
import { modeValues } from '../../simulator/charts/installation-modes.ts'
import { startChartRepository, type ChartRepository } from '../../simulator/charts/repository.ts'
import {
  ApiError,
  getIn,
  startKubernetes,
  asString,
  type Json,
  type KubernetesApi,
  type KubernetesObject,
} from '../../simulator/kubernetes/api.ts'
import { installTools, type CliTools } from '../../testing/cli-tools.ts'
import { RequestLog } from '../../testing/request-log.ts'

let api: KubernetesApi, charts: ChartRepository, programs: CliTools, home: string, ca: string
const requestLog = new RequestLog()
const identities: Record<string, string> = { 'token-admin': 'admin', 'token-reader': 'reader' }

beforeAll(async () => {
  const pair = await issueLoopbackCertificate()
  ca = pair.ca
  programs = await installTools()
  home = await mkdtemp(join(tmpdir(), 'kubernetes-test-'))
  charts = await startChartRepository({ requestLog })
  api = await startKubernetes({
    requestLog,
    tls: { certificate: pair.cert, privateKey: pair.key },
    authenticate: (token) =>
      Promise.resolve(
        identities[token] === undefined ? undefined : { username: identities[token], groups: [] },
      ),
    authorize: ({ username }, { verb }) =>
      username === 'admin' || ['get', 'list', 'watch'].includes(verb),
  })
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'simulator',
    contexts: [{ name: 'simulator', context: { cluster: 'simulator', user: 'admin' } }],
    clusters: [
      {
        name: 'simulator',
        cluster: {
          server: api.url,
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'admin', user: { token: 'token-admin' } }],
  }
  await writeFile(join(home, 'kubeconfig'), JSON.stringify(kubeconfig))
  api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'milvus' } })
})

afterAll(async () => {
  await api.close()
  await charts.close()
  await rm(home, { recursive: true })
})

interface ProcessResult {
  readonly code: number | null
  readonly output: string
  readonly milliseconds: number
}
function start(
  program: 'helm' | 'kubectl',
  args: string[],
  input = '',
): { child: ChildProcess; ended: Promise<ProcessResult> } {
  const startedAt = Date.now()
  const helmHomes = Object.fromEntries(
    ['CACHE', 'CONFIG', 'DATA'].map((kind) => [`HELM_${kind}_HOME`, join(home, kind)]),
  )
  const child = spawn(programs[program], args, {
    env: { HOME: home, KUBECONFIG: join(home, 'kubeconfig'), ...helmHomes },
  })
  child.stdin.end(input)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  return {
    child,
    ended: new Promise((resolve) =>
      child.on('close', (code) => {
        resolve({ code, output, milliseconds: Date.now() - startedAt })
      }),
    ),
  }
}

async function run(program: 'helm' | 'kubectl', args: string[], input = ''): Promise<string> {
  const { code, output } = await start(program, ['-n', 'milvus', ...args], input).ended
  return code === 0 ? output : Promise.reject(new Error(`${program} ${args.join(' ')}: ${output}`))
}

async function waitUntil(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 15_000; !condition();) {
    if (Date.now() > end) throw new Error(`This never became true: ${condition.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function sendRequest(
  method: string,
  path: string,
  body?: object,
  options: { type?: string; token?: string; agent?: string } = {},
): Promise<{ status: number; body: Json }> {
  const { type = 'application/json', token = 'token-admin', agent = 'curl/8' } = options
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${api.url}${path}`,
      {
        method,
        ca,
        agent: false,
        headers: {
          'content-type': type,
          'user-agent': agent,
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        },
      },
      (response) => {
        let received = ''
        response.on('data', (chunk: Buffer) => {
          received += chunk.toString()
        })
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            body: received.startsWith('{') ? (JSON.parse(received) as Json) : received,
          })
        })
      },
    )
    outgoing.on('error', reject).end(body && JSON.stringify(body))
  })
}

const service = (): KubernetesObject | undefined => api.get('Service', 'milvus', 'milvus-demo')
const getPodUids = (): string[] =>
  api
    .list('Pod', 'milvus')
    .filter(({ metadata }) => metadata.labels?.['component'] === 'standalone')
    .map((pod) => pod.metadata.uid ?? '')
const listEndpointSlices = (): KubernetesObject[] =>
  api
    .list('EndpointSlice', 'milvus')
    .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'milvus-demo')
const listReadyEndpoints = (): Json[] =>
  listEndpointSlices().flatMap((slice) =>
    (slice['endpoints'] as Json[]).filter(
      (endpoint) => getIn(endpoint, 'conditions', 'ready') === true,
    ),
  )
const getRelease = async (): Promise<Json> =>
  getIn(JSON.parse(await run('helm', ['list', '-o', 'json'])) as Json, 0) ?? null
const chart = (version: string): string[] => [
  'milvus-demo',
  'milvus',
  '--repo',
  charts.url,
  '--version',
  version,
]

describe('helm', () => {
  const values = [
    '--set-json',
    Object.entries(modeValues.standalone)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join(),
    '--set',
    'service.type=LoadBalancer',
    '--set',
    'externalS3.enabled=true,externalS3.host=s3.example.com',
    '--set-string',
    'extraConfigFiles.user\\.yaml=common: { security: { authorizationEnabled: true } }',
  ]

  test('install creates pods, endpoints and a load balancer', async () => {
    await run('helm', ['install', ...chart('4.2.58'), ...values, '--wait', '--timeout', '20s'])
    expect(await getRelease()).toMatchObject({
      status: 'deployed',
      chart: 'milvus-4.2.58',
      app_version: '2.5.16',
    })
    expect(getIn(service(), 'spec', 'loadBalancerSourceRanges')).toEqual(['0.0.0.0/0'])
    expect(asString(getIn(service(), 'status', 'loadBalancer', 'ingress', 0, 'hostname'))).toMatch(
      /^a[0-9a-f]{32}-[0-9a-f]{16}\.elb\.us-east-2\.amazonaws\.com$/,
    )
    await waitUntil(() => listReadyEndpoints().length === 1)
    expect(listEndpointSlices()[0]).toMatchObject({
      ports: [
        { name: 'milvus', port: 19530, protocol: 'TCP' },
        { name: 'metrics', port: 9091 },
      ],
    })
    expect(asString(getIn(listReadyEndpoints()[0], 'addresses', 0))).toMatch(/^10\.244\./)
  })

  test('upgrade changes the Service and keeps the values within seconds', async () => {
    const [pods, clusterIP] = [getPodUids(), getIn(service(), 'spec', 'clusterIP')]
    const { code, milliseconds } = await start('helm', [
      'upgrade',
      ...chart('4.2.58'),
      '-n',
      'milvus',
      '--reset-then-reuse-values',
      '--set',
      'service.type=ClusterIP',
      '--wait',
      '--timeout',
      '20s',
    ]).ended
    expect(code).toBe(0)
    expect(milliseconds).toBeLessThan(5000)
    expect([
      getIn(service(), 'spec', 'type'),
      getIn(service(), 'spec', 'clusterIP'),
      getIn(service(), 'spec', 'loadBalancerSourceRanges'),
    ]).toEqual(['ClusterIP', clusterIP, undefined])
    await waitUntil(
      () =>
        (service()?.metadata.finalizers ?? []).length === 0 &&
        getIn(service(), 'status', 'loadBalancer', 'ingress') === undefined,
    )
    expect(getPodUids()).toEqual(pods)
    expect(
      JSON.parse(await run('helm', ['get', 'values', 'milvus-demo', '-o', 'json'])),
    ).toMatchObject({ externalS3: { host: 's3.example.com' }, service: { type: 'ClusterIP' } })
    expect(
      asString(getIn(api.get('ConfigMap', 'milvus', 'milvus-demo'), 'data', 'default.yaml')),
    ).toContain('s3.example.com')
  })

  test('an interrupted upgrade leaves the release failed and not pending, and a rollback restores it', async () => {
    api.options.podReadyDelay = Infinity
    const seen = requestLog.requests.length
    const { child, ended } = start('helm', [
      'upgrade',
      ...chart('5.0.19'),
      '-n',
      'milvus',
      '--reset-then-reuse-values',
      '--wait',
      '--timeout',
      '60s',
    ])
    await waitUntil(() =>
      requestLog.requests.slice(seen).some(({ query }) => query.includes('watch=true')),
    )
    child.kill('SIGINT')
    expect((await ended).code).not.toBe(0)
    expect(await getRelease()).toMatchObject({ status: 'failed', revision: '3' })
    api.options.podReadyDelay = 20
    await run('helm', ['rollback', 'milvus-demo', '2', '--wait', '--timeout', '20s'])
    expect(await getRelease()).toMatchObject({
      status: 'deployed',
      revision: '4',
      chart: 'milvus-4.2.58',
    })
    await waitUntil(() => getPodUids().length === 1 && listReadyEndpoints().length === 1)
  })

  test('upgrade selects a newer chart, and uninstall deletes all objects', async () => {
    await charts.publish('5.1.0', '2.7.0')
    await run('helm', [
      'upgrade',
      'milvus-demo',
      'milvus',
      '--repo',
      charts.url,
      '--reset-then-reuse-values',
      '--wait',
      '--timeout',
      '20s',
    ])
    expect(await getRelease()).toMatchObject({ chart: 'milvus-5.1.0', app_version: '2.7.0' })
    await run('helm', ['uninstall', 'milvus-demo', '--wait'])
    await waitUntil(() =>
      ['Service', 'Deployment', 'ReplicaSet', 'Pod', 'EndpointSlice', 'Endpoints', 'Secret'].every(
        (kind) => api.list(kind, 'milvus').length === 0,
      ),
    )
  })
})

const buildIngress = (
  annotations: Record<string, string>,
  name = 'milvus-demo',
): KubernetesObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name, namespace: 'milvus', annotations },
  spec: {
    ingressClassName: 'alb',
    rules: [
      {
        host: 'milvus.example.com',
        http: {
          paths: [
            {
              path: '/',
              pathType: 'Prefix',
              backend: { service: { name: 'milvus-demo', port: { number: 19530 } } },
            },
          ],
        },
      },
    ],
  },
})
const listFieldManagers = (name: string): string[] =>
  (api.get('Ingress', 'milvus', name)?.metadata.managedFields ?? []).map(
    (entry) => `${entry.manager} ${entry.operation}`,
  )
const arn = 'alb.ingress.kubernetes.io/certificate-arn'

describe('kubectl', () => {
  const annotation = (): string | undefined =>
    api.get('Ingress', 'milvus', 'milvus-demo')?.metadata.annotations?.[arn]

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

describe('server-side apply', () => {
  const apply = (object: object, name: string, more = ''): ReturnType<typeof sendRequest> =>
    sendRequest(
      'PATCH',
      `/apis/networking.k8s.io/v1/namespaces/milvus/ingresses/${name}?fieldManager=milvus-alb-action${more}`,
      object,
      { type: 'application/apply-patch+yaml' },
    )
  const same = { [arn]: 'one', 'example.com/scheme': 'internal' }

  test.each([
    { what: 'the same values', applied: same, status: 200, annotations: same },
    { what: 'another value', applied: { ...same, [arn]: 'two' }, status: 409, annotations: same },
    {
      what: 'another value, forced',
      applied: { ...same, [arn]: 'two' },
      more: '&force=true',
      status: 200,
      annotations: { ...same, [arn]: 'two' },
    },
    { what: 'an omitted value', applied: { [arn]: 'one' }, status: 200, annotations: same },
    {
      what: 'an additional value',
      applied: { ...same, more: '1' },
      status: 200,
      annotations: { ...same, more: '1' },
    },
    {
      what: 'two other values',
      applied: { [arn]: 'two', 'example.com/scheme': 'x' },
      status: 409,
      annotations: same,
    },
  ])('over fields of kubectl: $what', async ({ what, applied, more, status, annotations }) => {
    const name = `over-${what.replaceAll(/\W+/g, '-')}`
    api.create(buildIngress(same, name), 'kubectl-client-side-apply')
    expect((await apply(buildIngress(applied, name), name, more)).status).toBe(status)
    expect(api.get('Ingress', 'milvus', name)?.metadata.annotations).toEqual(annotations)
  })

  test('reports the owner of each field in a conflict', async () => {
    api.create(buildIngress(same, 'conflict'), 'kubectl-client-side-apply')
    expect(
      (await apply(buildIngress({ [arn]: 'two' }, 'conflict'), 'conflict')).body,
    ).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      reason: 'Conflict',
      code: 409,
      message: `Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using networking.k8s.io/v1: .metadata.annotations.${arn}`,
      details: {
        causes: [
          {
            reason: 'FieldManagerConflict',
            message: 'conflict with "kubectl-client-side-apply" using networking.k8s.io/v1',
            field: `.metadata.annotations.${arn}`,
          },
        ],
      },
    })
  })

  test('keeps unchanged objects, removes omitted fields of its own, and keeps the generation after an annotation change', async () => {
    const first = await apply(buildIngress({ [arn]: 'one', removed: 'soon' }, 'own'), 'own')
    expect(first.status).toBe(201)
    expect(getIn(first.body, 'metadata', 'managedFields')).toMatchObject([
      {
        manager: 'milvus-alb-action',
        operation: 'Apply',
        fieldsV1: {
          'f:metadata': { 'f:annotations': { [`f:${arn}`]: {}, 'f:removed': {} } },
          'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} },
        },
      },
    ])
    const version = (answer: { body: Json }): Json | undefined =>
      getIn(answer.body, 'metadata', 'resourceVersion')
    expect(
      version(await apply(buildIngress({ [arn]: 'one', removed: 'soon' }, 'own'), 'own')),
    ).toBe(version(first))
    const third = await apply(buildIngress({ [arn]: 'one' }, 'own'), 'own')
    expect(third.body).toMatchObject({ metadata: { generation: 1 } })
    expect(getIn(third.body, 'metadata', 'annotations')).toEqual({ [arn]: 'one' })
    const dryRunResult = await apply(buildIngress({ [arn]: 'two' }, 'own'), 'own', '&dryRun=All')
    expect(getIn(dryRunResult.body, 'metadata', 'annotations', arn)).toBe('two')
    expect(version(await apply(buildIngress({ [arn]: 'one' }, 'own'), 'own'))).toBe(version(third))
  })
})

describe('a REST client', () => {
  const claims = '/api/v1/namespaces/milvus/configmaps'
  const map = (name: string, data: Record<string, string>): KubernetesObject => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'milvus', labels: { name } },
    data,
  })

  test.each([
    {
      name: 'a missing token',
      method: 'GET',
      path: '/api/v1/namespaces',
      token: '',
      code: 401,
      message: 'Unauthorized',
    },
    {
      name: 'an unknown token',
      method: 'GET',
      path: '/api/v1/namespaces',
      token: 'token-unknown',
      code: 401,
      message: 'Unauthorized',
    },
    {
      name: 'a missing permission',
      method: 'POST',
      path: claims,
      token: 'token-reader',
      code: 403,
      message:
        'configmaps is forbidden: User "reader" cannot create resource "configmaps" in API group "" in the namespace "milvus"',
    },
    {
      name: 'a missing permission in an API group',
      method: 'DELETE',
      path: '/apis/apps/v1/namespaces/milvus/deployments/x',
      token: 'token-reader',
      code: 403,
      message:
        'deployments.apps "x" is forbidden: User "reader" cannot delete resource "deployments" in API group "apps" in the namespace "milvus"',
    },
    {
      name: 'a missing object',
      method: 'GET',
      path: '/api/v1/namespaces/milvus/services/x',
      token: 'token-admin',
      code: 404,
      message: 'services "x" not found',
    },
    {
      name: 'an unsupported subresource',
      method: 'GET',
      path: '/api/v1/namespaces/milvus/pods/x/log',
      token: 'token-admin',
      code: 501,
      message:
        "The simulator's Kubernetes API does not implement: the subresource pods/log. A real cluster does.",
    },
  ])('is rejected for $name', async ({ method, path, token, code, message }) => {
    expect(await sendRequest(method, path, undefined, { token })).toMatchObject({
      status: code,
      body: { kind: 'Status', status: 'Failure', code, message },
    })
  })

  test('can review its access and its user, and receives 404 for a missing API', async () => {
    expect(await sendRequest('GET', '/apis/storage.k8s.io/v1/storageclasses')).toEqual({
      status: 404,
      body: '404 page not found\n',
    })
    const reviewAccess = (verb: string): ReturnType<typeof sendRequest> =>
      sendRequest(
        'POST',
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        {
          kind: 'SelfSubjectAccessReview',
          spec: { resourceAttributes: { verb, resource: 'secrets', namespace: 'milvus' } },
        },
        { token: 'token-reader' },
      )
    expect([
      getIn((await reviewAccess('list')).body, 'status', 'allowed'),
      getIn((await reviewAccess('patch')).body, 'status', 'allowed'),
    ]).toEqual([true, false])
    expect(
      (await sendRequest('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {})).body,
    ).toMatchObject({ status: { userInfo: { username: 'admin' } } })
    expect(requestLog.requests.at(-1)).toMatchObject({ service: 'kubernetes', isMutating: false })
  })

  test('receives a conflict after a concurrent change, and deletes an object after its finalizers', async () => {
    const created = await sendRequest('POST', claims, map('raced', { a: '1' }))
    expect((await sendRequest('POST', claims, map('raced', {}))).body).toMatchObject({
      reason: 'AlreadyExists',
      message: 'configmaps "raced" already exists',
    })
    await sendRequest(
      'PATCH',
      `${claims}/raced`,
      { metadata: { finalizers: ['example.com/wait'] }, data: { b: '2' } },
      { type: 'application/merge-patch+json' },
    )
    expect(
      (await sendRequest('PUT', `${claims}/raced`, created.body as object)).body,
    ).toMatchObject({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "raced": the object has been modified; please apply your changes to the latest version and try again',
    })
    expect((await sendRequest('DELETE', `${claims}/raced`)).body).toMatchObject({
      kind: 'ConfigMap',
      data: { a: '1', b: '2' },
    })
    expect(api.get('ConfigMap', 'milvus', 'raced')?.metadata.deletionTimestamp).toBeDefined()
    await sendRequest(
      'PATCH',
      `${claims}/raced`,
      [{ op: 'remove', path: '/metadata/finalizers' }],
      { type: 'application/json-patch+json' },
    )
    expect(api.get('ConfigMap', 'milvus', 'raced')).toBeUndefined()
  })

  test('watches from a resource version with a label selector', async () => {
    const version = asString(
      getIn((await sendRequest('GET', claims)).body, 'metadata', 'resourceVersion'),
    )
    api.create(map('watched', { a: '1' }))
    const events = new Promise<Json[]>((resolve, reject) => {
      const lines: Json[] = []
      const outgoing = request(
        `${api.url}${claims}?watch=1&resourceVersion=${version}&labelSelector=name%3Dwatched`,
        { ca, headers: { authorization: 'Bearer token-admin' } },
        (response) => {
          response
            .on('close', () => {
              resolve(lines)
            })
            .on('data', (chunk: Buffer) => {
              lines.push(
                ...chunk
                  .toString()
                  .trim()
                  .split('\n')
                  .map((line) => JSON.parse(line) as Json),
              )
              if (lines.length === 1) api.replace(map('watched', { a: '2' }))
              if (lines.length === 2)
                api.replace({
                  ...map('watched', { a: '2' }),
                  metadata: { name: 'watched', namespace: 'milvus', labels: { name: 'hidden' } },
                })
              if (lines.length === 3) outgoing.destroy()
            })
        },
      )
        .on('error', reject)
        .end()
    })
    expect(
      (await events).map((event) => [
        getIn(event, 'type'),
        getIn(event, 'object', 'metadata', 'name'),
      ]),
    ).toEqual([
      ['ADDED', 'watched'],
      ['MODIFIED', 'watched'],
      ['DELETED', 'watched'],
    ])
  })

  test('receives 410 for a watch from an expired version', async () => {
    api.create(map('compacted', {}))
    api.compact()
    expect((await sendRequest('GET', `${claims}?watch=1&resourceVersion=1000`)).body).toMatchObject(
      { type: 'ERROR', object: { code: 410, reason: 'Expired' } },
    )
  })

  test('receives the denial of an admission webhook', async () => {
    const message =
      'admission webhook "vingress.elbv2.k8s.aws" denied the request: invalid ingress class'
    api.options.admit = ({ operation, object }) =>
      operation === 'CREATE' && object.kind === 'Ingress'
        ? new ApiError(403, 'Forbidden', message)
        : undefined
    expect(
      (
        await sendRequest(
          'POST',
          '/apis/networking.k8s.io/v1/namespaces/milvus/ingresses',
          buildIngress({}, 'denied'),
        )
      ).body,
    ).toMatchObject({ code: 403, message })
    api.options.admit = () => undefined
  })

  test('receives the faults that a scenario injects', async () => {
    requestLog.injectFault({
      service: 'kubernetes',
      operation: `GET ${claims}`,
      times: 1,
      error: { status: 500, code: 'InternalError', message: 'etcdserver: leader changed' },
    })
    requestLog.injectFault({
      service: 'kubernetes',
      operation: `DELETE ${claims}/x`,
      times: 1,
      reset: true,
    })
    expect((await sendRequest('GET', claims)).body).toMatchObject({
      code: 500,
      reason: 'InternalError',
      message: 'etcdserver: leader changed',
    })
    await expect(sendRequest('DELETE', `${claims}/x`)).rejects.toThrow('socket hang up')
    expect((await sendRequest('GET', claims)).status).toBe(200)
  })
})
