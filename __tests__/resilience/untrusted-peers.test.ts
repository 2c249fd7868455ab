/**
 * A redirect receives no credentials, a proxy sees only tunnels, planted links are not followed, a
 * kubeconfig's exec program runs only where it is allowed to, and the post step always runs.
 */
import { lstatSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { chmod, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { killProcessTree } from '../../testing/process-tree.ts'
import { executeAction } from '../../testing/runner.ts'
import { startSimulator, type Simulator } from '../../simulator/simulator.ts'
import { repositoryRoot } from '../../testing/environment.ts'
import { findLeaks, collectSecrets } from '../scenarios/leaks.ts'
import { startTlsProxy, startProxy } from '../scenarios/forward-proxy.ts'
import { recordResult, isFullRun } from './result-tables.ts'
import { startHostileServer } from './hostile-server.ts'
import { expectOutcome, getOutcome } from './outcome.ts'

let simulator: Simulator
let redirectTarget: RedirectTarget

/** The target of the redirects, at its own address. It records every request. */
interface RedirectTarget {
  readonly url: string
  readonly receivedRequests: string[]
  close(): void
}

async function startRedirectTarget(): Promise<RedirectTarget> {
  const receivedRequests: string[] = []
  const server = http.createServer((request, response) => {
    receivedRequests.push(
      [`${request.method ?? ''} ${request.url ?? ''}`, ...request.rawHeaders].join('\n'),
    )
    response.writeHead(404).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.9', done))
  return {
    url: `http://127.0.0.9:${(server.address() as AddressInfo).port}`,
    receivedRequests,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/**
 * A chart repository that points elsewhere.
 * @param body of index.yaml; a redirect when absent
 */
async function startRedirectingRepository(
  body?: string,
): Promise<{ url: string; close: () => void }> {
  const server = http.createServer((request, response) => {
    if (body === undefined)
      response.writeHead(302, { location: `${redirectTarget.url}${request.url ?? ''}` }).end()
    else response.writeHead(200).end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close().closeAllConnections()
    },
  }
}

const secretInputs = {
  'milvus-token': 'root:canary-4d2a8e60-token',
  'chart-username': 'charts',
  'chart-password': 'canary-71d0c2f4-chart',
}
/** The release needs an upgrade. */
const upgradeInputs = { values: 'proxy: {replicas: 2}' }
const dryRunInputs = { ...upgradeInputs, 'dry-run': 'true' }

beforeAll(async () => {
  ;[simulator, redirectTarget] = await Promise.all([startSimulator(), startRedirectTarget()])
  await simulator.installMilvus()
  const { exitCode, log } = await runAction(simulator)
  if (exitCode !== 0) throw new Error(log)
})
afterAll(async () => {
  redirectTarget.close()
  await simulator.close()
})

interface RedirectCase {
  readonly who: string
  readonly inputs: Readonly<Record<string, string>>
  readonly outcome: string
  /** The credentials that the other place receives nevertheless. */
  readonly allowedLeak?: string
  /** @returns additional inputs, and a function that stops the server */
  readonly setUp: () => Promise<{
    inputs?: Readonly<Record<string, string>>
    end: () => void | Promise<void>
  }>
}

const injectRedirect =
  (fault: Omit<Parameters<Simulator['requestLog']['injectFault']>[0], 'respond'>) => () =>
    Promise.resolve({
      end: simulator.requestLog.injectFault({
        ...fault,
        respond: (response) =>
          response.writeHead(307, { location: `${redirectTarget.url}/from` }).end(),
      }),
    })
const createRepositorySetup = (body?: () => string) => async () => {
  const { url, close } = await startRedirectingRepository(body?.())
  return { inputs: { 'chart-repository': url }, end: close }
}
const redirectCases: readonly RedirectCase[] = [
  {
    who: 'the Kubernetes API, 307 to the action',
    inputs: {},
    outcome: 'cluster-request-failed',
    setUp: injectRedirect({
      service: 'kubernetes',
      operation: /\/services$/,
      userAgent: /milvus-alb-action/,
    }),
  },
  // client-go follows redirects, and its transport adds the token to every request. A server that
  // responds as this API already has the token.
  {
    who: 'the Kubernetes API, 307 to helm',
    inputs: dryRunInputs,
    outcome: 'cluster-unreachable',
    allowedLeak: 'token for EKS',
    setUp: injectRedirect({ service: 'kubernetes', operation: /./, userAgent: /^Helm/i }),
  },
  {
    who: 'AWS, 307',
    inputs: {},
    outcome: 'aws-request-failed',
    setUp: injectRedirect({ service: 'acm', operation: 'ListCertificates' }),
  },
  {
    who: 'the chart repository, 302',
    inputs: dryRunInputs,
    outcome: 'chart-repository-unreachable',
    setUp: createRepositorySetup(),
  },
  {
    who: 'the chart repository, whose index names another host',
    inputs: dryRunInputs,
    outcome: 'chart-not-found',
    setUp: createRepositorySetup(
      () =>
        `apiVersion: v1\nentries: {milvus: [{apiVersion: v2, name: milvus, version: 4.2.58, urls: ["${redirectTarget.url}/milvus-4.2.58.tgz"]}]}\n`,
    ),
  },
  {
    who: 'the ALB, 302',
    inputs: { 'probe-timeout': '1s' },
    outcome: 'probe-http-error',
    setUp: async () => {
      const hostileServer = await startHostileServer(simulator.listenPort, simulator.certificate)
      hostileServer.setBehavior({
        onCall: (stream) => {
          stream.respond({ ':status': 302, location: `${redirectTarget.url}/login` })
          stream.end()
        },
      })
      await simulator.setDnsRecords({ '*.elb.amazonaws.com': hostileServer.address })
      return {
        end: async () => {
          await simulator.setDnsRecords({
            '*.elb.amazonaws.com': simulator.albAddress,
            [simulator.host]: simulator.albAddress,
          })
          await hostileServer.close()
        },
      }
    },
  },
]

test.each(redirectCases.filter((_each, index) => isFullRun || index === 0))(
  'a redirect receives no credentials: $who',
  async ({ who, inputs, outcome, allowedLeak, setUp }) => {
    redirectTarget.receivedRequests.length = 0
    const { inputs: extraInputs, end } = await setUp()
    try {
      const allInputs = { ...secretInputs, ...inputs, ...extraInputs }
      const run = await runAction(simulator, allInputs)
      expectOutcome(run, outcome)
      const leaks = findLeaks(
        { trap: redirectTarget.receivedRequests.join('\n') },
        collectSecrets(simulator, { ...simulator.inputs(), ...allInputs }).filter(
          ({ name }) => name !== allowedLeak,
        ),
      )
      expect(leaks).toEqual([])
      if (allowedLeak === undefined)
        expect(redirectTarget.receivedRequests.join('\n')).not.toMatch(
          /^(authorization|x-amz-security-token|cookie)$/im,
        )
      recordResult('no-way-in-redirects', {
        'redirected by': who,
        outcome,
        'requests to the other server': redirectTarget.receivedRequests.length,
        'credentials in them':
          allowedLeak === undefined
            ? 'none'
            : "the cluster's token, which the redirecting server already has",
      })
    } finally {
      await end()
    }
  },
)

const clusterHost = 'api.production.example.com'

if (isFullRun)
  test('a proxy receives only CONNECT requests, and no credentials', async () => {
    const proxiedSimulator = await startSimulator({ clusterHost })
    const aws = await startTlsProxy(proxiedSimulator, proxiedSimulator.aws.endpoint)
    const proxy = await startProxy((name) => {
      if (name.endsWith('.elb.amazonaws.com')) return proxiedSimulator.albAddress
      return /^127\.|^api\./.test(name) ? '127.0.0.1' : undefined
    })
    try {
      await proxiedSimulator.installMilvus()
      await proxiedSimulator.setDnsRecords({
        '*.elb.amazonaws.com': '',
        [proxiedSimulator.host]: proxiedSimulator.albAddress,
      })
      const run = await runAction(proxiedSimulator, secretInputs, {
        env: { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, AWS_ENDPOINT_URL: aws.url },
      })
      expectOutcome(run)
      expect(proxy.requests.filter((request) => !request.startsWith('CONNECT '))).toEqual([])
      expect(
        new Set(
          proxy.requests.map((request) => /^CONNECT ([^.]+)/.exec(request)?.[1]?.slice(0, 3)),
        ),
      ).toEqual(new Set(['127', 'api', 'k8s']))
      expect(
        findLeaks(
          { proxy: [...proxy.requests, ...proxy.headers].join('\n') },
          collectSecrets(proxiedSimulator, { ...proxiedSimulator.inputs(), ...secretInputs }),
        ),
      ).toEqual([])
      expect(proxy.headers.filter((name) => /authorization|token|cookie/i.test(name))).toEqual([])
      recordResult('no-way-in-redirects', {
        'redirected by': 'no redirect: a proxy in between',
        outcome: 'success',
        'requests to the other server': proxy.requests.length,
        'credentials in them': 'none',
      })
    } finally {
      await proxy.close()
      aws.close()
      await proxiedSimulator.close()
    }
  })

/** A kubeconfig whose exec program records that it ran. */
async function hostileKubeconfig(): Promise<{ path: string; hasRun: () => boolean }> {
  const [path, program, markerFile] = ['hostile.kubeconfig', 'program', 'program-ran'].map((name) =>
    join(simulator.directory, name),
  ) as [string, string, string]
  const {
    clusters: [entry],
    users: [user],
  } = JSON.parse(await readFile(simulator.kubeconfig, 'utf8')) as {
    clusters: [{ cluster: object }]
    users: [{ user: { token: string } }]
  }
  const credential = JSON.stringify({
    apiVersion: 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    status: { token: user.user.token },
  })
  await writeFile(program, `#!/bin/sh\n: > '${markerFile}'\necho '${credential}'\n`)
  await chmod(program, 0o755)
  await writeFile(
    path,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: [{ name: 'c', cluster: entry.cluster }],
      users: [
        {
          name: 'u',
          user: {
            exec: {
              apiVersion: 'client.authentication.k8s.io/v1',
              command: program,
              interactiveMode: 'Never',
            },
          },
        },
      ],
    }),
  )
  return { path, hasRun: () => readdirSync(simulator.directory).includes('program-ran') }
}

test('input cluster ignores kubeconfigs of the environment, and planted symlinks are not followed', async () => {
  const { path, hasRun } = await hostileKubeconfig()
  // RUNNER_TEMP itself may be a link, as on macOS.
  const [disk, outsideDirectory, temp] = ['disk', 'outside', 'temp-by-a-link'].map((name) =>
    join(simulator.directory, name),
  ) as [string, string, string]
  await Promise.all([
    mkdir(join(disk, 'temp'), { recursive: true }),
    mkdir(outsideDirectory),
    mkdir(join(disk, 'home/.kube'), { recursive: true }),
  ])
  await Promise.all([
    writeFile(join(outsideDirectory, 'precious'), 'precious'),
    symlink(join(disk, 'temp'), temp),
    symlink(path, join(disk, 'home/.kube/config')),
  ])
  await Promise.all([
    symlink(outsideDirectory, join(temp, 'milvus-alb-action-planted')),
    symlink(join(outsideDirectory, 'precious'), join(temp, 'milvus-alb-action-file')),
    symlink(join(outsideDirectory, 'nowhere'), join(temp, 'milvus-alb-action-broken')),
  ])
  let actionDirectories: { name: string; mode: string; files: string[] }[] = []
  void simulator.requestLog
    .nextRequest(
      ({ service: part, userAgent: client }) => part === 'kubernetes' && /^Helm/i.test(client),
    )
    .then(() => {
      const directories = readdirSync(temp).filter((name) =>
        lstatSync(join(temp, name)).isDirectory(),
      )
      actionDirectories = directories.map((name) => ({
        name,
        mode: (statSync(join(temp, name)).mode & 0o777).toString(8),
        files: readdirSync(join(temp, name))
          .filter((file) => ['kubeconfig', 'token', 'authorities.pem'].includes(file))
          .map((file) => `${file} ${(lstatSync(join(temp, name, file)).mode & 0o777).toString(8)}`)
          .sort(),
      }))
    })
  const run = await runAction(simulator, dryRunInputs, {
    runnerDirectory: disk,
    env: { RUNNER_TEMP: temp, KUBECONFIG: path },
  })
  expectOutcome(run)
  expect(actionDirectories).toEqual([
    {
      name: expect.stringMatching(/^milvus-alb-action-\w{6}$/),
      mode: '700',
      files: ['authorities.pem 600', 'kubeconfig 600', 'token 600'],
    },
  ])
  expect(await readdir(temp)).toEqual([])
  expect(await readdir(outsideDirectory)).toEqual(['precious'])
  expect(await readFile(join(outsideDirectory, 'precious'), 'utf8')).toBe('precious')
  expect(hasRun()).toBe(false)
  const explicitRun = await runAction(simulator, {
    cluster: '',
    kubeconfig: path,
    'dry-run': 'true',
  })
  expect([getOutcome(explicitRun), hasRun()]).toEqual(['success', true])
  recordResult('no-way-in-doors', {
    what: 'symlinks with file names of the action under RUNNER_TEMP, to a directory, a file and nothing',
    outcome: 'removed; their targets are unchanged',
  })
  recordResult('no-way-in-doors', {
    what: 'a program in the kubeconfig of KUBECONFIG and of HOME, with input cluster',
    outcome: 'not run',
  })
  recordResult('no-way-in-doors', {
    what: 'a program in the kubeconfig of input kubeconfig',
    outcome: 'run',
  })
})

test('the results of a fleet are not written through a symlink', async () => {
  const disk = join(simulator.directory, 'fleet-disk')
  const [temp, precious] = [join(disk, 'temp'), join(simulator.directory, 'precious')]
  await mkdir(temp, { recursive: true })
  await writeFile(precious, 'precious')
  await symlink(precious, join(temp, 'milvus-alb-results.json'))
  const run = await executeAction({
    actionDirectory: join(repositoryRoot, 'fleet', 'deploy'),
    directory: simulator.directory,
    runnerDirectory: disk,
    env: simulator.runnerEnv(),
    inputs: { targets: '[]' },
  })
  expect([
    run.exitCode,
    await readFile(precious, 'utf8'),
    await readFile(run.outputs['results-file'] ?? '', 'utf8'),
  ]).toEqual([0, 'precious', '[]'])
  recordResult('no-way-in-doors', {
    what: 'a symlink instead of the results file of a fleet',
    outcome: 'replaced; its target is unchanged',
  })
})

test('the post step always runs, and removes the files of a killed main step', async () => {
  const { runs } = load(readFileSync(join(repositoryRoot, 'action.yml'), 'utf8')) as {
    runs: Record<string, string>
  }
  // Source: GitHub, Metadata syntax, runs.post-if: always() when absent.
  expect(runs['post-if'] ?? 'always()').toBe('always()')
  let before: string[] = []
  const disk = join(simulator.directory, 'killed-disk')
  const run = await runAction(simulator, dryRunInputs, {
    runnerDirectory: disk,
    onStart: (child) =>
      void simulator.requestLog
        .nextRequest(
          ({ service: part, userAgent: client }) => part === 'kubernetes' && /^Helm/i.test(client),
        )
        .then(() => {
          before = readdirSync(join(disk, 'temp'))
          killProcessTree(child.pid ?? 0)
        }),
  })
  expect({
    exitCode: run.exitCode,
    left: before.length,
    leftovers: run.remainingFiles,
    temp: await readdir(join(disk, 'temp')),
  }).toEqual({ exitCode: null, left: 1, leftovers: [], temp: [] })
  recordResult('no-way-in-doors', {
    what: 'main is killed while Helm uses its kubeconfig',
    outcome: 'post removes it',
  })
})
