/** Runs a script on the PATH in place of Helm. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import {
  checkHelmVersion,
  previewUpgrade,
  upgrade,
  upgradeArguments,
} from '../../../src/clients/helm/commands.ts'
import type { HelmOptions } from '../../../src/clients/helm/process.ts'
import { captureActionError } from '../../capture-error.ts'
import { upgradeRequest } from './upgrade-request.ts'

/** A script on the PATH in place of Helm. */
describe('with Helm on the PATH', () => {
  let directory: string, originalPath: string | undefined
  const outputLines: string[] = []
  const createOptions = (
    signal = new AbortController().signal,
    environment: Record<string, string> = {},
  ): HelmOptions => ({
    directory,
    signal,
    environment: { PATH: process.env['PATH'] ?? '', ...environment },
    onLine: (line) => outputLines.push(line),
    onOutput: (line) => outputLines.push(`output: ${line}`),
  })
  /**
   * @param stdinCommand where its standard input goes: a script that ends at once would otherwise
   *   race with what is written to it
   */
  const installFakeHelm = async (
    script: string,
    stdinCommand = 'cat > /dev/null',
  ): Promise<void> => {
    await writeFile(join(directory, 'helm'), `#!/bin/sh\n${stdinCommand}\n${script}\n`)
    await chmod(join(directory, 'helm'), 0o755)
  }

  beforeEach(async () => {
    outputLines.length = 0
    originalPath = process.env['PATH']
    directory = await mkdtemp(join(tmpdir(), 'helm-test-'))
    process.env['PATH'] = `${directory}${delimiter}${originalPath ?? ''}`
  })
  afterEach(async () => {
    process.env['PATH'] = originalPath
    await rm(directory, { recursive: true })
  })

  describe('checkHelmVersion', () => {
    test.each([
      ['v3.14.0', '3.14.0'],
      ['v3.19.2', '3.19.2'],
      ['v4.0.0', '4.0.0'],
      ['v4.1.4+k8s', '4.1.4+k8s'],
      ['v3.14.0-rc.1', '3.14.0-rc.1'],
      ['3.20.1', '3.20.1'],
      ['v10.0.0', '10.0.0'],
    ])('accepts %s', async (versionOutput, version) => {
      await installFakeHelm(`echo 'WARNING: group-readable' >&2; printf '%s' '${versionOutput}'`)
      expect(await checkHelmVersion(createOptions())).toBe(version)
    })

    test.each([
      ['v3.13.3', /^Helm on the PATH is v3\.13\.3, which does not support/],
      ['v2.17.0', /is v2\.17\.0/],
      ['v3.2.4', /is v3\.2\.4/],
      ['hello', /is hello, which/],
      ['', /is of an unknown version/],
    ])('rejects %j', async (versionOutput, message) => {
      await installFakeHelm(`printf '%s' '${versionOutput}'`)
      const error = await captureActionError(() => checkHelmVersion(createOptions()))
      expect([error.code, error.message, error.remedy]).toEqual([
        'helm-too-old',
        expect.stringMatching(message),
        expect.stringContaining('3.14'),
      ])
    })

    test('rejects a Helm program that fails', async () => {
      await installFakeHelm('exit 7')
      expect((await captureActionError(() => checkHelmVersion(createOptions()))).code).toBe(
        'helm-too-old',
      )
    })

    test('reports a missing Helm', async () => {
      process.env['PATH'] = directory
      expect((await captureActionError(() => checkHelmVersion(createOptions()))).code).toBe(
        'helm-not-found',
      )
    })
  })

  describe('upgrade', () => {
    test('passes values on standard input and withholds the inputs of the action', async () => {
      await installFakeHelm(
        'printf "%s\\n" "$@" > "$(dirname "$0")/argv"; env > "$(dirname "$0")/environment"',
        'cat > "$(dirname "$0")/stdin"',
      )
      await upgrade(
        { ...upgradeRequest, values: '{"password":"hunter2"}' },
        createOptions(undefined, { 'INPUT_PRIVATE-KEY': 'hunter3', HELM_DRIVER: 'secret' }),
      )
      const [argv, stdin, environment] = await Promise.all(
        ['argv', 'stdin', 'environment'].map((name) => readFile(join(directory, name), 'utf8')),
      )
      expect(argv?.trim().split('\n')).toEqual(upgradeArguments({ ...upgradeRequest, values: 'x' }))
      expect(stdin).toBe('{"password":"hunter2"}')
      expect(environment).toMatch(/^HELM_DRIVER=secret$/m)
      expect(environment).toContain(`HELM_CACHE_HOME=${directory}`)
      expect(`${String(argv)}${String(environment)}`).not.toMatch(/hunter/)
    })

    test.each<{ name: string; script: string; code: string; message: RegExp }>([
      {
        name: 'a pending release',
        script:
          'echo "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress" >&2; exit 1',
        code: 'release-pending',
        message: /^Helm could not upgrade release milvus-demo: another operation/,
      },
      {
        name: 'a timeout, Helm 3',
        script: 'echo "Error: UPGRADE FAILED: timed out waiting for the condition" >&2; exit 1',
        code: 'helm-upgrade-timeout',
        message: /timed out waiting/,
      },
      {
        name: 'a timeout, Helm 4',
        script:
          'printf "Error: UPGRADE FAILED: resource Deployment/milvus/x not ready. status: InProgress\\ncontext deadline exceeded\\n" >&2; exit 1',
        code: 'helm-upgrade-timeout',
        message: /not ready/,
      },
      {
        name: 'a rate limit that exceeds the timeout',
        script:
          'echo "Error: UPGRADE FAILED: client rate limiter Wait returned an error: rate: Wait(n=1) would exceed context deadline" >&2; exit 1',
        code: 'helm-upgrade-timeout',
        message: /would exceed/,
      },
      {
        name: 'an exit without output',
        script: 'exit 3',
        code: 'helm-upgrade-failed',
        message: /it ended with exit code 3$/,
      },
      {
        name: 'a killed process',
        script: 'kill -9 $$',
        code: 'helm-upgrade-failed',
        message: /it (was ended by a signal|ended with exit code)/,
      },
    ])('$name', async ({ script, code, message }) => {
      await installFakeHelm(script)
      const error = await captureActionError(() => upgrade(upgradeRequest, createOptions()))
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
    })

    test('reports the error of a Helm process that exits before reading its values', async () => {
      await installFakeHelm('echo "Error: UPGRADE FAILED: no" >&2; exit 1', '')
      const error = await captureActionError(() =>
        upgrade(
          { ...upgradeRequest, values: JSON.stringify({ text: 'x'.repeat(1_000_000) }) },
          createOptions(),
        ),
      )
      expect([error.code, error.message]).toEqual([
        'helm-upgrade-failed',
        'Helm could not upgrade release milvus-demo: no',
      ])
    })

    test('tells what Helm warns of from its output', async () => {
      await installFakeHelm('echo one; echo two >&2; echo three')
      await upgrade(upgradeRequest, createOptions())
      expect(outputLines.sort()).toEqual(['output: one', 'output: three', 'two'])
    })

    test('interrupts Helm once when the job is cancelled, and lets it update its release', async () => {
      const controller = new AbortController()
      await installFakeHelm(
        `trap 'echo INT >> ${join(directory, 'signals')}; exit 1' INT; echo ready; while :; do sleep 0.05; done`,
      )
      const upgradePromise = upgrade(upgradeRequest, {
        ...createOptions(controller.signal),
        onOutput: (line) => {
          if (line === 'ready') controller.abort()
        },
      })
      expect((await captureActionError(() => upgradePromise)).code).toBe('cancelled')
      expect(await readFile(join(directory, 'signals'), 'utf8')).toBe('INT\n')
    })

    test('does not start Helm in a cancelled job', async () => {
      await installFakeHelm(`echo started > ${join(directory, 'started')}`)
      expect(
        (
          await captureActionError(() =>
            upgrade(upgradeRequest, createOptions(AbortSignal.abort())),
          )
        ).code,
      ).toBe('cancelled')
      await expect(readFile(join(directory, 'started'))).rejects.toThrow()
    })
  })

  describe('previewUpgrade', () => {
    test("returns the manifest and the chart's versions without forwarding output", async () => {
      await installFakeHelm(
        `printf '%s' '${JSON.stringify({ manifest: 'kind: Service', chart: { metadata: { version: '5.0.19', appVersion: '2.6.15' } } })}'`,
      )
      expect(await previewUpgrade(upgradeRequest, createOptions())).toEqual({
        manifest: 'kind: Service',
        chart: { version: '5.0.19', appVersion: '2.6.15' },
      })
      expect(outputLines).toEqual([])
    })

    test('does not quote output that is not JSON', async () => {
      await installFakeHelm('echo hunter2')
      const error = await captureActionError(() => previewUpgrade(upgradeRequest, createOptions()))
      expect([error.code, error.message]).toEqual([
        'helm-upgrade-failed',
        'Helm could not upgrade release milvus-demo: its dry run printed no release in JSON',
      ])
    })
  })
})
