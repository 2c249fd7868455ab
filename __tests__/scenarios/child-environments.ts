/** Records the environment of every program that a run starts. */
import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { TestEnvironment } from '../../testing/environment.ts'

/** A kubeconfig and variables with which each program of a run records its environment. */
export interface EnvironmentRecorder {
  readonly kubeconfig: string
  readonly env: Readonly<Record<string, string>>
  /** The environments of all calls, by program. */
  read(): Promise<Record<string, string>>
}

interface Kubeconfig {
  readonly users: readonly { readonly name: string; readonly user: { readonly token?: string } }[]
}

/** Installs a credential plugin, an AWS profile with a credential process, and a `helm`. */
export async function recordChildEnvironments(
  environment: TestEnvironment,
): Promise<EnvironmentRecorder> {
  const directory = join(environment.directory, 'recorder')
  const records = join(directory, 'records')
  await mkdir(records, { recursive: true })
  // A shell drops variables with a hyphen, such as INPUT_PRIVATE-KEY, from its own `env`.
  const record = `{ echo; tr '\\0' '\\n' < /proc/$$/environ; }`
  const install = async (name: string, command: string): Promise<string> => {
    const path = join(directory, name)
    await writeFile(path, `#!/bin/sh\n${record} >> '${join(records, name)}'\n${command}\n`)
    await chmod(path, 0o755)
    return path
  }
  const { PATH: path = '' } = environment.runnerEnv()
  await install('helm', `PATH='${path}' exec helm "$@"`)
  const config = JSON.parse(await readFile(environment.kubeconfig, 'utf8')) as Kubeconfig
  const plugin = await install(
    'credential-plugin',
    printJson({ apiVersion, kind: 'ExecCredential', status: config.users[0]?.user ?? {} }),
  )
  const kubeconfig = join(directory, 'kubeconfig')
  const exec = { apiVersion, command: plugin, interactiveMode: 'Never' }
  const users = config.users.map(({ name }) => ({ name, user: { exec } }))
  await writeFile(kubeconfig, JSON.stringify({ ...config, users }))
  return {
    kubeconfig,
    env: {
      ...(await installProfile(environment, directory, install)),
      PATH: [directory, path].join(delimiter),
    },
    read: () => readRecords(records),
  }
}

const apiVersion = 'client.authentication.k8s.io/v1'

const printJson = (document: object): string => `cat <<'END'\n${JSON.stringify(document)}\nEND`

/** An AWS profile whose credentials come from a program. */
async function installProfile(
  environment: TestEnvironment,
  directory: string,
  install: (name: string, command: string) => Promise<string>,
): Promise<Record<string, string>> {
  const variables = environment.runnerEnv()
  const credentialProcess = await install(
    'credential-process',
    printJson({
      Version: 1,
      AccessKeyId: variables['AWS_ACCESS_KEY_ID'],
      SecretAccessKey: variables['AWS_SECRET_ACCESS_KEY'],
      SessionToken: variables['AWS_SESSION_TOKEN'],
    }),
  )
  const configFile = join(directory, 'aws-config')
  await writeFile(configFile, `[default]\ncredential_process = ${credentialProcess}\n`)
  return {
    AWS_CONFIG_FILE: configFile,
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_SESSION_TOKEN: '',
  }
}

async function readRecords(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory)).sort()
  const entries = names.map(
    async (name) => [name, await readFile(join(directory, name), 'utf8')] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}
