/** What answers to calls of the RESTful API mean, from servers that replace an ALB with Milvus. */
import https from 'node:https'
import { expect, test } from '@jest/globals'
import { probeRest } from '../../../src/clients/milvus/rest-calls.ts'
import { ProbeFailure } from '../../../src/failures/probe-failure.ts'
import { captureError } from '../../capture-error.ts'
import { closeAfterTest, createEndpoint, isolateConnections } from './connect-fixture.ts'
import { issued, listen } from './servers.ts'

isolateConnections()

interface Answer {
  readonly status: number
  readonly body?: string
  readonly server?: string
}

interface Answers {
  /** To `POST /v2/vectordb/collections/list`, with a token. */
  readonly v2: Answer
  /** The same without a token; by default the same. */
  readonly anonymous?: Answer
  /** To `GET /v1/vector/collections`. */
  readonly v1?: Answer
}

const success: Answer = { status: 200, body: '{"code":0,"data":[]}' }
const unknownPath: Answer = { status: 404, body: '404 page not found' }
const unauthenticated: Answer = {
  status: 401,
  body: '{"code":1800,"message":"user hasn\'t authenticated"}',
}
const byAlb = (status: number, body = ''): Answer => ({ status, body, server: 'awselb/2.0' })
const token = 'root:secret'

async function probeServer({ v2, anonymous = v2, v1 = unknownPath }: Answers) {
  const { fullchain, privateKey } = await issued
  const server = https.createServer({ cert: fullchain, key: privateKey }, (request, response) => {
    const { authorization } = request.headers
    const answers: Record<string, Answer> = {
      'POST /v2/vectordb/collections/list': authorization === `Bearer ${token}` ? v2 : anonymous,
      'GET /v1/vector/collections': v1,
    }
    const answer = answers[`${request.method ?? ''} ${request.url ?? ''}`] ?? byAlb(500)
    const { status, body = '', server: name } = answer
    if (status === 0) request.socket.destroy()
    else response.writeHead(status, name === undefined ? {} : { server: name }).end(body)
  })
  const { port } = closeAfterTest(await listen(server))
  return probeRest(createEndpoint(port), token, new AbortController().signal)
}

const longList = JSON.stringify({ code: 0, data: Array<string>(100_000).fill('collection') })

test.each<{ name: string; answers: Answers; api: 'v1' | 'v2'; requiresCredentials: boolean }>([
  {
    name: 'authorization is off',
    answers: { v2: success },
    api: 'v2',
    requiresCredentials: false,
  },
  {
    name: 'authorization is on',
    answers: { v2: success, anonymous: unauthenticated },
    api: 'v2',
    requiresCredentials: true,
  },
  {
    name: 'a web ACL blocks calls without a token',
    answers: { v2: success, anonymous: byAlb(403) },
    api: 'v2',
    requiresCredentials: true,
  },
  {
    name: 'the user may not list collections',
    answers: {
      v2: { status: 403, body: '{"code":65535,"message":"permission deny"}' },
      anonymous: unauthenticated,
    },
    api: 'v2',
    requiresCredentials: true,
  },
  {
    name: 'Milvus 2.3',
    answers: { v2: unknownPath, v1: { status: 200, body: '{"code":200,"data":[]}' } },
    api: 'v1',
    requiresCredentials: false,
  },
  {
    name: 'more collections than are read',
    answers: { v2: { status: 200, body: longList } },
    api: 'v2',
    requiresCredentials: false,
  },
])('the API answers: $name', async ({ answers, api, requiresCredentials }) => {
  expect(await probeServer(answers)).toMatchObject({ api, requiresCredentials })
})

test.each<{ name: string; answers: Answers; problem: RegExp; remedy: RegExp; retryFor: number }>([
  {
    name: 'the ALB has no rule',
    answers: { v2: byAlb(404) },
    problem: /HTTP 404 \(awselb\/2\.0\): no listener rule matches the path/,
    remedy: /Run mode deploy again/,
    retryFor: 20_000,
  },
  {
    name: 'the target group is of gRPC',
    answers: { v2: byAlb(464) },
    problem: /HTTP 464 .*the protocol version of the target group is not HTTP1/,
    remedy: /annotations of the Service/,
    retryFor: 20_000,
  },
  {
    name: 'Milvus serves no HTTP',
    answers: { v2: byAlb(502) },
    problem: /HTTP 502 .*Milvus serves no HTTP on this port/,
    remedy: /proxy\.http\.enabled: true/,
    retryFor: Infinity,
  },
  {
    name: 'there are no targets',
    answers: { v2: byAlb(503) },
    problem: /HTTP 503 .*no target is registered/,
    remedy: /endpoints/,
    retryFor: Infinity,
  },
  {
    name: 'a target is too slow',
    answers: { v2: byAlb(504) },
    problem: /HTTP 504 .*did not answer in time/,
    remedy: /overloaded/,
    retryFor: Infinity,
  },
  {
    name: 'a web ACL blocks the call',
    answers: { v2: byAlb(403) },
    problem: /HTTP 403 .*AWS WAF/,
    remedy: /web ACL/,
    retryFor: 0,
  },
  {
    name: 'Milvus rejects the token',
    answers: { v2: unauthenticated },
    problem: /Milvus rejects milvus-token .*code 1800, user hasn't authenticated/,
    remedy: /user:password/,
    retryFor: 0,
  },
  {
    name: 'Milvus rejects the token, and a web ACL blocks calls without one',
    answers: { v2: unauthenticated, anonymous: byAlb(403) },
    problem: /Milvus rejects milvus-token /,
    remedy: /user:password/,
    retryFor: 0,
  },
  {
    name: 'only calls without a token fail otherwise',
    answers: { v2: success, anonymous: byAlb(502) },
    problem: /HTTP 502 /,
    remedy: /proxy\.http\.enabled: true/,
    retryFor: Infinity,
  },
  {
    name: 'Milvus is starting',
    answers: { v2: { status: 200, body: '{"code":1,"message":"service not ready"}' } },
    problem: /with HTTP 200 and code 1 \(service not ready\)/,
    remedy: /log of the Milvus proxy/,
    retryFor: Infinity,
  },
  {
    name: 'Milvus has no RESTful API',
    answers: { v2: unknownPath },
    problem: /Milvus does not know GET \/v1\/vector\/collections/,
    remedy: /Upgrade Milvus to 2\.3/,
    retryFor: 0,
  },
  {
    name: 'the connection is closed',
    answers: { v2: { status: 0 } },
    problem: /POST \/v2\/vectordb\/collections\/list has no answer/,
    remedy: /rejects HTTP\/1\.1/,
    retryFor: Infinity,
  },
])('the API does not answer: $name', async ({ answers, problem, remedy, retryFor }) => {
  const failure = await captureError(() => probeServer(answers))
  if (!(failure instanceof ProbeFailure)) throw failure
  expect(failure.code).toBe('probe-rest-failed')
  expect(failure.message).toMatch(problem)
  expect(failure.message).not.toContain(token)
  expect(failure.remedy).toMatch(remedy)
  expect(failure.retryFor).toBe(retryFor)
})
