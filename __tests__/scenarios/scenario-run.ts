/** A run of a scenario, and what holds for every run. */
import { expect } from '@jest/globals'
import type { Lab } from '../../integration/lab.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import { measurePhase } from '../../testing/profile.ts'
import type { RecordedRequest } from '../../testing/request-log.ts'
import { runAction } from '../../testing/run-action.ts'
import type { RunOptions, RunResult } from '../../testing/runner.ts'
import { listChanges } from './expectations.ts'
import {
  collectRunOutputs,
  collectSecrets,
  findLeaks,
  findLeaksInRequests,
  tokenCanary,
  valuesCanary,
} from './leaks.ts'
import { getFileSubject } from './record.ts'

/** What a scenario receives. */
export interface Scenario<E extends TestEnvironment = TestEnvironment> {
  readonly environment: E
  /**
   * Runs the action with the environment's inputs, overridden by these, and checks what holds for
   * every run.
   */
  readonly run: (
    inputs?: Readonly<Record<string, string>>,
    options?: Partial<RunOptions>,
  ) => Promise<RunResult>
  /** The writes of the action and of Helm since the last run started, in order. */
  readonly writes: () => string[]
}

/** Inputs of each run unless the scenario overrides them. */
export const defaultInputs = {
  'milvus-token': `root:${tokenCanary}`,
  values: `minio: {secretKey: ${valuesCanary}}`,
}

/** Runs the action in an environment, and checks what holds for every run. */
export function createRunner(environment: TestEnvironment): Omit<Scenario, 'environment'> {
  const checkClients =
    environment.name === 'lab' ? createClientCheck(environment as Lab) : () => Promise.resolve()
  let requestOffset = environment.requestLog.requests.length
  let isProbeDeep = false
  // Neither the Lease nor a temporary collection is part of what a run is meant to change.
  const writes = (): string[] =>
    environment.requestLog.requests
      .slice(requestOffset)
      .filter(
        ({ service, isMutating, userAgent, operation }) =>
          isMutating &&
          /milvus-alb-action|^Helm/i.test(userAgent) &&
          !operation.includes('/leases') &&
          !(service === 'milvus' && isProbeDeep),
      )
      .map(({ service, operation }) => `${service} ${operation}`)
  return {
    async run(inputs = {}, options = {}) {
      requestOffset = environment.requestLog.requests.length
      isProbeDeep = inputs['probe'] === 'deep'
      const allInputs = { ...defaultInputs, ...inputs }
      const run = await runAction(environment, allInputs, {
        ...options,
        env: { PROFILE_SUBJECT: getFileSubject(), ...options.env },
      })
      await expectNoLeak(
        environment,
        run,
        { ...environment.inputs(), ...allInputs },
        environment.requestLog.requests.slice(requestOffset),
      )
      expectOneAnnotation(run)
      expectNoSilentWrite(run, writes())
      if (
        run.exitCode === 0 &&
        run.outputs['changed'] === 'true' &&
        inputs['probe'] !== 'off' &&
        inputs['mode'] !== 'destroy'
      )
        await measurePhase(getFileSubject(), 'clients', () => checkClients(inputs))
      return run
    },
    writes,
  }
}

/** How pymilvus was already checked, by test file. */
const pymilvusChecks = new Set<string>()

/**
 * Checks what a successful change means to a user: Milvus' own clients work. pymilvus takes seconds
 * to start, so it runs only the first time in each test file, with a token, and with a client
 * certificate.
 * @returns receives the inputs: probe-ca contains the CAs to trust, if pymilvus should not use that
 *   of the lab
 */
function createClientCheck(lab: Lab): (inputs: Readonly<Record<string, string>>) => Promise<void> {
  return async (inputs) => {
    const { verifyNodeClient, verifyPymilvus } = await import('../../integration/milvus-clients.ts')
    const rootCertificates = inputs['probe-ca']
    const tlsFiles = {
      rootCertificates: rootCertificates ?? lab.certificateAuthority.root,
      certificate: inputs['probe-certificate'],
      privateKey: inputs['probe-key'],
    }
    const check = `${getFileSubject()} ${findAuthMode(lab, inputs)}`
    if (rootCertificates === undefined && !pymilvusChecks.has(check)) {
      await verifyPymilvus(lab, tlsFiles)
      pymilvusChecks.add(check)
    }
    await verifyNodeClient(lab, tlsFiles)
  }
}

function findAuthMode(
  lab: Lab,
  inputs: Readonly<Record<string, string>>,
): 'anonymous' | 'authenticated' | 'mutual TLS' {
  if (inputs['probe-certificate'] !== undefined) return 'mutual TLS'
  return lab.milvusToken() === '' ? 'anonymous' : 'authenticated'
}

function expectOneAnnotation(run: RunResult): void {
  expect(run.log.match(/^::error/gm) ?? []).toHaveLength(run.exitCode === 0 ? 0 : 1)
}

/** The step whose change a write belongs to. */
function getStepOfWrite(write: string): string {
  if (write.startsWith('acm ')) return 'certificate'
  return /\/ingresses\/|\/services\/[^/]+-rest$/.test(write) ? 'ingress' : 'release'
}

/** Expects that `changes` lists every write. */
function expectNoSilentWrite(run: RunResult, writes: readonly string[]): void {
  const listedSteps = new Set(
    listChanges(run).map((change) => change.split(' ')[0]?.replace('load-balancer', 'ingress')),
  )
  expect(writes.filter((write) => !listedSteps.has(getStepOfWrite(write)))).toEqual([])
}

/**
 * Expects no secrets in what the run left or in requests to services that they are not for, and no
 * files left on disk.
 */
async function expectNoLeak(
  environment: TestEnvironment,
  run: RunResult,
  inputs: Readonly<Record<string, string>>,
  requests: readonly RecordedRequest[],
): Promise<void> {
  const secrets = collectSecrets(environment, inputs)
  expect([
    ...findLeaks(await collectRunOutputs(environment, run), secrets),
    ...findLeaksInRequests(requests, secrets),
  ]).toEqual([])
  expect(run.remainingFiles).toEqual([])
}
