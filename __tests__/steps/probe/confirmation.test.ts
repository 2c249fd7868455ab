/** How long an endpoint is confirmed, and what is said about one that works in part. */
import { describe, expect, test } from '@jest/globals'
import type http2 from 'node:http2'
import { httpError } from '../../../src/failures/probe-http.ts'
import { confirmEndpoint, type ReadTargets } from '../../../src/steps/probe/confirmation.ts'
import { EarlyRound } from '../../../src/steps/probe/early-round.ts'
import type { Context } from '../../../src/steps/step.ts'
import { captureActionError } from '../../capture-error.ts'
import {
  closeAfterTest,
  createEndpoint,
  isolateConnections,
} from '../../clients/milvus/connect-fixture.ts'
import { closeSessionAfterEachTest, sendResponse } from '../../clients/milvus/grpc-fixture.ts'
import { startHttp2 } from '../../clients/milvus/servers.ts'
import { FakeClock } from '../../util/clock.ts'
import { createSettings } from '../fixtures.ts'

isolateConnections()
closeSessionAfterEachTest()

/** A clock that starts with that of the machine, and whose sleeps take 15 s or more. */
class FastClock extends FakeClock {
  readonly startedAt: number

  constructor() {
    const now = Date.now()
    super(now)
    this.startedAt = now
  }

  override sleep(ms: number, signal: AbortSignal): Promise<void> {
    return super.sleep(Math.max(ms, 15_000), signal)
  }

  get elapsed(): number {
    return this.time - this.startedAt
  }
}

const answer = (stream: http2.ServerHttp2Stream): void => {
  if (!stream.destroyed) sendResponse(stream, { 'grpc-status': '0' })
}
const answerStatus = (stream: http2.ServerHttp2Stream, status: number): void => {
  stream.respond({ ':status': status, server: 'awselb/2.0' })
  stream.end()
}

const createTargets = (states: readonly string[]) =>
  states.map((state) => ({ id: '10.0.1.7', port: 19530, state, reason: '', description: '' }))

interface Confirmed {
  readonly clock: FakeClock
  readonly isLenient?: boolean
  readonly readTargets?: ReadTargets
  /** Milliseconds from now. */
  readonly timeLeft: number
}

/** Confirms an endpoint whose ALB handles calls like this. */
async function confirmServer(
  onCall: (stream: http2.ServerHttp2Stream) => void,
  { clock, isLenient = false, readTargets, timeLeft }: Confirmed,
) {
  const { port } = closeAfterTest(await startHttp2(onCall))
  const lines: Record<'info' | 'note' | 'warn', string[]> = { info: [], note: [], warn: [] }
  const log = {
    info: (line: string) => lines.info.push(line),
    note: (line: string) => lines.note.push(line),
    warn: (line: string) => lines.warn.push(line),
    progress: () => undefined,
  }
  const { signal } = new AbortController()
  const context = { log, clock, signal, setOutput: () => undefined } as unknown as Context
  const settings = createSettings()
  const endpoint = { ...createEndpoint(port), deadline: clock.now() + timeLeft }
  const { phrase } = await confirmEndpoint(
    { context, settings: { ...settings, probe: { ...settings.probe, isLenient } } },
    {
      endpoint,
      earlyRound: new EarlyRound(
        createEndpoint(port),
        readTargets ?? (() => Promise.resolve(undefined)),
        signal,
      ),
    },
  )
  return { phrase, ...lines }
}

describe('with probe: lenient', () => {
  test('an endpoint that answers no call for a minute is awaited as with required', async () => {
    const clock = new FastClock()
    const { phrase, warn, note } = await confirmServer(
      (stream) => (clock.elapsed > 60_000 ? answer(stream) : answerStatus(stream, 502)),
      { clock, isLenient: true, timeLeft: 300_000 },
    )
    expect(phrase).toContain('100 of 100 calls')
    expect(warn).toEqual([])
    expect(note).toEqual([expect.stringContaining('failed at first')])
  })

  test('an endpoint that answers in part is awaited for 20 s', async () => {
    const clock = new FastClock()
    let callCount = 0
    const { warn } = await confirmServer(
      (stream) => ((callCount += 1) % 5 === 0 ? answerStatus(stream, 502) : answer(stream)),
      { clock, isLenient: true, timeLeft: 300_000 },
    )
    expect(warn).toEqual([expect.stringContaining('20 of 100 calls failed')])
    expect(clock.elapsed).toBe(30_000)
  })
})

test('an endpoint that answers no call fails at the deadline', async () => {
  const clock = new FastClock()
  const { code, message } = await captureActionError(() =>
    confirmServer((stream) => answerStatus(stream, 502), {
      clock,
      isLenient: true,
      timeLeft: 300_000,
    }),
  )
  expect(code).toBe('probe-target-failed')
  expect(message).toContain('Tried until probe-timeout (300 s) was over.')
  expect(clock.elapsed).toBeGreaterThanOrEqual(300_000)
})

test('a round has its time, although reading the targets took long and the deadline is near', async () => {
  const clock = new FakeClock(Date.now() - 4_900)
  const states = ['initial', ...Array.from({ length: 19 }, () => 'healthy')]
  const { phrase } = await confirmServer((stream) => setTimeout(() => answer(stream), 20), {
    clock,
    readTargets: () => {
      clock.time = Date.now()
      return Promise.resolve(createTargets(states))
    },
    timeLeft: 10,
  })
  expect(phrase).toMatch(/19 of 20 targets, 100 of 100 calls/)
})

test('the failure of the last attempt is reported', async () => {
  const clock = new FastClock()
  const statuses = [502, 504, 500]
  const last = httpError({ status: 500, server: 'awselb/2.0' })
  const { code, message } = await captureActionError(() =>
    confirmServer((stream) => answerStatus(stream, statuses[clock.elapsed / 15_000] ?? 200), {
      clock,
      timeLeft: 30_000,
    }),
  )
  expect([code, message]).toEqual([
    last.code,
    `${last.message} Tried until probe-timeout (300 s) was over.`,
  ])
})
