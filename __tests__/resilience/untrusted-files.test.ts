/**
 * Planted links are not followed, the exec program of a kubeconfig runs only where it is allowed
 * to, and the post step always runs.
 */
import { lstatSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { chmod, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { killProcessTree } from '../../testing/process-tree.ts'
import { executeAction } from '../../testing/runner.ts'
import type { Simulator } from '../../simulator/simulator.ts'
import { repositoryRoot } from '../../testing/environment.ts'
import { startDeployedSimulator, upgradeInputs } from './deployed-simulator.ts'
import { recordResult } from './result-tables.ts'
import { expectOutcome, getOutcome } from './outcome.ts'

let simulator: Simulator

beforeAll(async () => {
  simulator = await startDeployedSimulator()
})
afterAll(() => simulator.close())
const dryRunInputs = { ...upgradeInputs, 'dry-run': 'true' }

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
    .nextRequest(({ service, userAgent }) => service === 'kubernetes' && /^Helm/i.test(userAgent))
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
  recordResult('untrusted-files', {
    what: 'symlinks with file names of the action under RUNNER_TEMP, to a directory, a file and nothing',
    outcome: 'removed; their targets are unchanged',
  })
  recordResult('untrusted-files', {
    what: 'a program in the kubeconfig of KUBECONFIG and of HOME, with input cluster',
    outcome: 'not run',
  })
  recordResult('untrusted-files', {
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
    JSON.parse(await readFile(run.outputs['results-file'] ?? '', 'utf8')),
  ]).toEqual([0, 'precious', expect.objectContaining({ targets: [] })])
  recordResult('untrusted-files', {
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
          ({ service, userAgent }) => service === 'kubernetes' && /^Helm/i.test(userAgent),
        )
        .then(() => {
          before = readdirSync(join(disk, 'temp'))
          killProcessTree(child.pid ?? 0)
        }),
  })
  expect({
    exitCode: run.exitCode,
    left: before.length,
    remainingFiles: run.remainingFiles,
    temp: await readdir(join(disk, 'temp')),
  }).toEqual({ exitCode: null, left: 1, remainingFiles: [], temp: [] })
  recordResult('untrusted-files', {
    what: 'main is killed while Helm uses its kubeconfig',
    outcome: 'post removes it',
  })
})
