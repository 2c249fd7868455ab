/** A redirect receives no credentials, and a proxy sees only tunnels. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { startSimulator, type Simulator } from '../../simulator/simulator.ts'
import { findLeaks, collectSecrets } from '../scenarios/leaks.ts'
import { startTlsProxy, startProxy } from '../scenarios/forward-proxy.ts'
import { startDeployedSimulator, upgradeInputs } from './deployed-simulator.ts'
import { recordResult, isFullRun } from './result-tables.ts'
import { startHostileServer } from './hostile-server.ts'
import { expectOutcome } from './outcome.ts'

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
const dryRunInputs = { ...upgradeInputs, 'dry-run': 'true' }

beforeAll(async () => {
  simulator = await startDeployedSimulator()
  redirectTarget = await startRedirectTarget()
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
  (fault: Omit<Parameters<Simulator['faults']['inject']>[0], 'respond'>) => () =>
    Promise.resolve({
      end: simulator.faults.inject({
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
    who: 'the Kubernetes API, 307 to Helm',
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
        { target: redirectTarget.receivedRequests.join('\n') },
        collectSecrets(simulator, { ...simulator.inputs(), ...allInputs }).filter(
          ({ name }) => name !== allowedLeak,
        ),
      )
      expect(leaks).toEqual([])
      if (allowedLeak === undefined)
        expect(redirectTarget.receivedRequests.join('\n')).not.toMatch(
          /^(authorization|x-amz-security-token|cookie)$/im,
        )
      recordResult('untrusted-peers', {
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
      recordResult('untrusted-peers', {
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
