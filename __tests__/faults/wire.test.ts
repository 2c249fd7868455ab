/** Kubernetes and AWS fail each call: once, so that it has to heal, and for good, so that it has to be said. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Fault, Part } from '../../sandbox/traffic.ts'
import { figure, sample, whole } from './figures.ts'
import { nextRuns } from './next-runs.ts'
import { outcomeOf } from './outcome.ts'
import { halfAMinuteLater } from './points.ts'
import { isNew, stateOf } from './state.ts'
import { setStage, undisturbed, type Stage, type Story } from './stories.ts'
import { callsIn, disturb, disturbed, requestsOf, say, type Answer, type Call } from './wire.ts'

let stage: Stage
beforeAll(async () => {
  stage = await setStage()
})
afterAll(() => stage.world.close())

type Effect = Pick<Fault, 'error' | 'reset' | 'lie'>
const answer = (status: number, kubernetes: string, aws: string, headers = {}) => (part: Part): Effect => ({ lie: say({ status, kubernetes, aws, headers } satisfies Answer, part) })
const throttles = 'ThrottlingException'

/** What heals: each has to be met once by every call, and to leave what an undisturbed run leaves. */
const healing: readonly (readonly [fault: string, effect: (part: Part) => Effect])[] = [
  ['429, or throttling', answer(429, 'TooManyRequests', throttles)],
  ['429 with Retry-After: 1', answer(429, 'TooManyRequests', throttles, { 'retry-after': '1' })],
  ['500', answer(500, 'InternalError', 'InternalFailure')],
  ['503', answer(503, 'ServiceUnavailable', 'ServiceUnavailable')],
  ['503 with Retry-After: 1', answer(503, 'ServiceUnavailable', 'ServiceUnavailable', { 'retry-after': '1' })],
  ['reset before the request was taken', () => ({ reset: true })],
  ['reset after it was taken: only the answer is lost', () => ({ reset: 'after' })],
  ['an answer that is cut off', () => ({ lie: (response) => { response.writeHead(200, { 'content-length': '1000' }); response.write('{"items":['); setImmediate(() => response.destroy()) } })],
  ['an answer that is no answer: a page of HTML', () => ({ lie: (response) => void response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>') })],
]

const stories: readonly Story['name'][] = ['deploy', 'renewal', 'destroy']
/** Calls that are made again and again while something is waited for. */
const isPolled = ({ part, operation }: Call): boolean => part === 'elbv2' || /^GET .*\/(events|ingresses|leases|targetgroupbindings)/.test(operation)

test.each(stories.filter((name) => whole || name === 'deploy'))('%s: every call is failed once in each way, and the run does all it should', async (name) => {
  const { world } = stage
  const { story, state } = await undisturbed(stage, name)
  const calls = callsIn(world)
  const needed = calls.map((call) => requestsOf(world, call))
  for (const [fault, effect] of sample(healing, 6)) {
    await stage.begin(story)
    const end = disturb(world, calls, effect, 1)
    const run = await disturbed(world, story.inputs)
    end()
    expect({ fault, outcome: outcomeOf(run), log: run.exitCode === 0 ? '' : run.log }).toEqual({ fault, outcome: 'success', log: '' })
    expect({ fault, state: stateOf(world) }).toEqual({ fault, state })
    const tooMany = calls.filter((call, index) => !isPolled(call) && requestsOf(world, call) > (needed[index] ?? 0) + 2).map((call) => `${call.operation}: ${requestsOf(world, call)}`)
    expect({ fault, tooMany }).toEqual({ fault, tooMany: [] })
    figure('wire-once', { 'each call is failed once by': fault, 'what runs': name, calls: calls.length, outcome: 'the state of an undisturbed run', 'requests, undisturbed': needed.reduce((sum, count) => sum + count, 0), 'requests': calls.reduce((sum, call) => sum + requestsOf(world, call), 0), seconds: (run.took / 1000).toFixed(1) })
  }
})

/** The codes that may say so: of the API itself, of the step that waited for it, or of the object that it answers about. */
const ofKubernetes = /^(cluster|ingress|release|load-balancer|namespace|milvus|helm)-/
const ofAws = /^(aws|certificate|load-balancer)-/

/** What does not heal by waiting is not asked again; what could have is asked a bounded number of times. */
const lasting: readonly (readonly [fault: string, effect: (part: Part) => Effect, most: number])[] = [
  ['403, for good', answer(403, 'Forbidden', 'AccessDeniedException'), 1],
  ['400, for good', answer(400, 'BadRequest', 'ValidationException'), 1],
  ['503, for good', answer(503, 'ServiceUnavailable', 'ServiceUnavailable'), 6],
]

test.each(lasting.filter((_row, index) => whole || index === 0))('each call fails: %s', async (fault, effect, most) => {
  const { world } = stage
  const patience = { 'load-balancer-timeout': '3s', 'probe-timeout': '1s', 'lock-timeout': '2s' }
  const known = new Set<string>()
  for (const name of stories.filter((each) => whole || each === 'deploy')) {
    const calm = await undisturbed(stage, name)
    const { story, state } = calm
    // Those that a story before it makes too are failed there.
    const calls = callsIn(world).filter(({ part, operation }) => isNew(known, `${part} ${operation}`))
    const needed = new Map(calls.map((call) => [call, requestsOf(world, call)]))
    const [codes, next] = [new Set<string>(), nextRuns(world, calm)]
    let without = 0
    const tried = sample(calls, 8)
    for (const call of tried) {
      await stage.begin(story)
      const end = disturb(world, [call], effect)
      const run = await disturbed(world, { ...story.inputs, ...patience })
      end()
      const isBounded = isPolled(call) || requestsOf(world, call) <= most * (needed.get(call) ?? 0)
      expect({ fault, call, isBounded, log: isBounded ? '' : run.log }).toEqual({ fault, call, isBounded: true, log: '' })
      if (run.exitCode === 0) {
        // One that it can do without: all is as it should be.
        await halfAMinuteLater(world)
        expect({ fault, call, state: stateOf(world) }).toEqual({ fault, call, state })
        without += 1
        continue
      }
      expect({ fault, call, code: outcomeOf(run), log: run.log }).toEqual({ fault, call, code: expect.stringMatching(call.part === 'kubernetes' ? ofKubernetes : ofAws), log: expect.stringContaining('What to do: ') })
      codes.add(outcomeOf(run))
      await next.after({ fault, call })
    }
    figure('wire-for-good', { 'a call is failed for good by': fault, 'what runs': name, 'calls, each in a run of its own': tried.length, 'runs that could do without': without, 'runs that said it, by': [...codes].sort().join(', '), 'states that they left, from which the next run did all': next.states(), 'requests of one call, at most': most })
  }
})
