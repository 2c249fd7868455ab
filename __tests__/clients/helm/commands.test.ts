import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { extractErrorMessage } from '../../../src/clients/helm/failures.ts'
import {
  checkHelmVersion,
  historyMaxToRetain,
  installArguments,
  previewUpgrade,
  previewArguments,
  upgrade,
  upgradeArguments,
  type UpgradeOptions,
} from '../../../src/clients/helm/commands.ts'
import type { HelmOptions } from '../../../src/clients/helm/process.ts'
import { captureActionError } from '../../capture-error.ts'

const upgradeRequest: UpgradeOptions = {
  release: 'milvus-demo',
  namespace: 'milvus',
  chart: '/runner/milvus-5.0.19.tgz',
  serviceType: 'ClusterIP',
  values: undefined,
  timeout: 600,
  kubeconfig: undefined,
  context: undefined,
  wait: true,
  forceConflicts: false,
}
const baseArguments = [
  'upgrade',
  'milvus-demo',
  '/runner/milvus-5.0.19.tgz',
  '--namespace',
  'milvus',
  '--reset-then-reuse-values',
]
const typeArguments = ['--set', 'service.type=ClusterIP']
const waitArguments = ['--wait', '--timeout', '600s']

describe('upgradeArguments', () => {
  test.each<{ name: string; overrides: Partial<UpgradeOptions>; expected: string[] }>([
    {
      name: 'a chart',
      overrides: {},
      expected: [...baseArguments, ...typeArguments, ...waitArguments],
    },
    {
      name: 'values on standard input, before the Service type',
      overrides: { values: '{"a":"secret"}' },
      expected: [...baseArguments, '--values', '-', ...typeArguments, ...waitArguments],
    },
    {
      name: 'an empty map of values',
      overrides: { values: '{}' },
      expected: [...baseArguments, '--values', '-', ...typeArguments, ...waitArguments],
    },
    {
      name: 'a kubeconfig',
      overrides: { kubeconfig: '/tmp/k' },
      expected: [...baseArguments, ...typeArguments, '--kubeconfig', '/tmp/k', ...waitArguments],
    },
    {
      name: 'a context',
      overrides: { context: 'production' },
      expected: [
        ...baseArguments,
        ...typeArguments,
        '--kube-context',
        'production',
        ...waitArguments,
      ],
    },
    {
      name: 'another Service type',
      overrides: { serviceType: 'NodePort' },
      expected: [...baseArguments, '--set', 'service.type=NodePort', ...waitArguments],
    },
    {
      name: "the type of a subchart's Service",
      overrides: { valuesPath: ['platform', 'data.vectors'] },
      expected: [
        ...baseArguments,
        '--set',
        'platform.data\\.vectors.service.type=ClusterIP',
        ...waitArguments,
      ],
    },
    {
      name: 'no Service type',
      overrides: { serviceType: undefined },
      expected: [...baseArguments, ...waitArguments],
    },
    {
      name: 'no wait',
      overrides: { wait: false },
      expected: [...baseArguments, ...typeArguments, '--timeout', '600s'],
    },
    {
      name: 'only the given values',
      overrides: { values: '{}', resetValues: true, serviceType: undefined },
      expected: [
        ...baseArguments.slice(0, -1),
        '--reset-values',
        '--values',
        '-',
        ...waitArguments,
      ],
    },
    {
      name: 'a longer history',
      overrides: { historyMax: 13 },
      expected: [...baseArguments, ...typeArguments, ...waitArguments, '--history-max', '13'],
    },
    {
      name: 'forced conflicts',
      overrides: { forceConflicts: true },
      expected: [...baseArguments, ...typeArguments, ...waitArguments, '--force-conflicts'],
    },
  ])('$name', ({ overrides, expected }) => {
    expect(upgradeArguments({ ...upgradeRequest, ...overrides })).toEqual(expected)
  })

  test('previewArguments returns the same upgrade as a dry run', () => {
    expect(previewArguments({ ...upgradeRequest, values: '{}' })).toEqual([
      ...baseArguments,
      '--values',
      '-',
      ...typeArguments,
      '--dry-run=server',
      '--output',
      'json',
    ])
  })

  test('installArguments returns an installation as a dry run', () => {
    const installation = {
      release: 'milvus-demo',
      namespace: 'milvus',
      chart: '/c.tgz',
      values: '{}',
      kubeconfig: '/tmp/k',
      context: undefined,
    }
    expect(installArguments(installation)).toEqual([
      'install',
      'milvus-demo',
      '/c.tgz',
      '--namespace',
      'milvus',
      '--values',
      '-',
      '--kubeconfig',
      '/tmp/k',
      '--dry-run=server',
      '--output',
      'json',
    ])
  })

  test.each([
    [undefined, undefined],
    [1, undefined],
    [9, undefined],
    [10, 11],
    [25, 26],
  ])('historyMaxToRetain: %j revisions, --history-max %j', (keptRevisions, expected) => {
    expect(historyMaxToRetain(keptRevisions)).toBe(expected)
  })

  test('the arguments never contain values', () => {
    expect(
      upgradeArguments({ ...upgradeRequest, values: '{"password":"hunter2"}' }).join(' '),
    ).not.toContain('hunter2')
  })
})

describe('extractErrorMessage', () => {
  // The first nine from helm 4.1.4 and 3.19 against the simulator or a real API; the rest quoted in
  // issues of helm.
  test.each<{ name: string; stderr: string; expected: RegExp }>([
    {
      name: 'a missing chart',
      stderr:
        'Error: chart "milvus" version "9.9.9" not found in https://zilliztech.github.io/milvus-helm/ repository\n',
      expected: /^chart "milvus" version "9\.9\.9" not found in/,
    },
    {
      name: 'a missing release',
      stderr: 'Error: UPGRADE FAILED: "milvus-demo" has no deployed releases\n',
      expected: /^"milvus-demo" has no deployed releases$/,
    },
    {
      name: 'a locked release',
      stderr:
        'Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\n',
      expected: /^another operation/,
    },
    {
      name: 'a warning before the error',
      stderr:
        'WARNING: Kubernetes configuration file is group-readable. This is insecure. Location: /tmp/k\nError: Kubernetes cluster unreachable: the server has asked for the client to provide credentials\n',
      expected: /^Kubernetes cluster unreachable: the server has asked/,
    },
    {
      name: 'log lines of helm 4 around the error',
      stderr:
        'level=WARN msg="unable to find exact version" version=x\nError: UPGRADE FAILED: timed out waiting for the condition\n',
      expected: /^timed out waiting for the condition$/,
    },
    {
      name: 'a timeout of helm 4 on two lines',
      stderr:
        'Error: UPGRADE FAILED: resource Deployment/milvus/milvus-demo-proxy not ready. status: InProgress, message: Available: 0/1\ncontext deadline exceeded\n',
      expected: /milvus-demo-proxy not ready.*context deadline exceeded/,
    },
    {
      name: 'a schema violation with its reason on the next lines',
      stderr:
        "Error: UPGRADE FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\nmilvus:\n- (root): Additional property x is not allowed\n",
      expected: /values don't meet.*Additional property x is not allowed/,
    },
    {
      name: 'several objects that cannot be patched',
      stderr:
        'Error: UPGRADE FAILED: cannot patch "a" with kind StatefulSet: is invalid: spec: Forbidden && cannot patch "b" with kind Service: is invalid\n',
      expected: /cannot patch "a".*cannot patch "b"/,
    },
    {
      name: 'two errors, of which the last is reported',
      stderr: 'Error: an earlier one\nhelm: retrying\nError: UPGRADE FAILED: the last\n',
      expected: /^the last$/,
    },
    {
      name: 'output without "Error:"',
      stderr: 'panic: runtime error\ngoroutine 1 [running]:\n\n',
      expected: /^goroutine 1/,
    },
    { name: 'no output', stderr: '', expected: /^$/ },
    { name: 'blank lines', stderr: '\n  \n', expected: /^$/ },
    { name: 'CRLF', stderr: 'Error: UPGRADE FAILED: x\r\n', expected: /^x$/ },
  ])('$name', ({ stderr, expected }) => {
    expect(extractErrorMessage(stderr)).toMatch(expected)
  })
})

/** A helm on the PATH that is a script. */
describe('with helm on the PATH', () => {
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
      ['v3.13.3', /^helm on the PATH is v3\.13\.3, which does not support/],
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

    test('rejects a helm that fails', async () => {
      await installFakeHelm('exit 7')
      expect((await captureActionError(() => checkHelmVersion(createOptions()))).code).toBe(
        'helm-too-old',
      )
    })

    test('reports a missing helm', async () => {
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
        message: /^helm could not upgrade release milvus-demo: another operation/,
      },
      {
        name: 'a timeout, helm 3',
        script: 'echo "Error: UPGRADE FAILED: timed out waiting for the condition" >&2; exit 1',
        code: 'helm-upgrade-timeout',
        message: /timed out waiting/,
      },
      {
        name: 'a timeout, helm 4',
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

    test('reports the error of a helm that exits before reading its values', async () => {
      await installFakeHelm('echo "Error: UPGRADE FAILED: no" >&2; exit 1', '')
      const error = await captureActionError(() =>
        upgrade(
          { ...upgradeRequest, values: JSON.stringify({ text: 'x'.repeat(1_000_000) }) },
          createOptions(),
        ),
      )
      expect([error.code, error.message]).toEqual([
        'helm-upgrade-failed',
        'helm could not upgrade release milvus-demo: no',
      ])
    })

    test('forwards each output line', async () => {
      await installFakeHelm('echo one; echo two >&2; echo three')
      await upgrade(upgradeRequest, createOptions())
      expect(outputLines.sort()).toEqual(['one', 'three', 'two'])
    })

    test('interrupts helm once when the job is cancelled, and lets it update its release', async () => {
      const controller = new AbortController()
      await installFakeHelm(
        `trap 'echo INT >> ${join(directory, 'signals')}; exit 1' INT; echo ready; while :; do sleep 0.05; done`,
      )
      const upgradePromise = upgrade(upgradeRequest, {
        ...createOptions(controller.signal),
        onLine: (line) => {
          if (line === 'ready') controller.abort()
        },
      })
      expect((await captureActionError(() => upgradePromise)).code).toBe('cancelled')
      expect(await readFile(join(directory, 'signals'), 'utf8')).toBe('INT\n')
    })

    test('does not start helm in a cancelled job', async () => {
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
        'helm could not upgrade release milvus-demo: its dry run printed no release in JSON',
      ])
    })
  })
})
