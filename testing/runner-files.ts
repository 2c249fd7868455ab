/**
 * The files that a GitHub runner finds on its disk in a test environment, and the environment
 * variables that refer to them.
 */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { profilingOptions } from './profile.ts'

export interface RunnerFiles {
  /** Path of a PEM file with the CA that signs all certificates of the test environment. */
  readonly caPath: string
  /** Changes the DNS records, in the format of testing/dns-override.mjs. */
  setDnsRecords(records: Readonly<Record<string, string>>): Promise<void>
  /** Follows the records of a name to its last address. */
  resolveName(name: string): Promise<string | undefined>
  /** Selects the Helm program on the PATH. */
  useHelm(program: string): Promise<void>
  /** The arguments of each Helm call by processes that run with `env`. */
  helmCalls(): Promise<string[]>
  readonly env: Readonly<Record<string, string>>
}

/**
 * Creates the files.
 * @param helmPath the program that the Helm on the PATH executes
 * @param caPem the CA, PEM
 */
export async function createRunnerFiles(
  directory: string,
  helmPath: string,
  caPem: string,
): Promise<RunnerFiles> {
  const pathTo = (name: string): string => join(directory, name)
  await mkdir(pathTo('bin'), { recursive: true })
  const useHelm = async (program: string): Promise<void> => {
    await writeFile(pathTo('bin/helm'), renderHelmWrapper(program, pathTo('helm.log')))
    await chmod(pathTo('bin/helm'), 0o755)
  }
  await Promise.all([
    writeFile(pathTo('ca.pem'), caPem),
    writeFile(pathTo('helm.log'), ''),
    writeFile(pathTo('names.json'), '{}'),
    useHelm(helmPath),
  ])
  return {
    caPath: pathTo('ca.pem'),
    useHelm,
    setDnsRecords: (records) => writeFile(pathTo('names.json'), JSON.stringify(records)),
    resolveName: async (name) =>
      resolveRecord(
        JSON.parse(await readFile(pathTo('names.json'), 'utf8')) as Record<string, string>,
        name,
      ),
    helmCalls: async () =>
      (await readFile(pathTo('helm.log'), 'utf8')).split('\n').filter((line) => line !== ''),
    env: {
      PATH: [pathTo('bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
      NODE_EXTRA_CA_CERTS: pathTo('ca.pem'),
      NODE_OPTIONS: [
        `--import=${new URL('dns-override.mjs', import.meta.url).href}`,
        ...profilingOptions.nodeOptions,
      ].join(' '),
      ...profilingOptions.env,
      DNS_OVERRIDES: pathTo('names.json'),
      HELM_DATA_HOME: pathTo('helm-data'),
      HELM_CONFIG_HOME: pathTo('helm-config'),
    },
  }
}

/**
 * A wrapper that logs its arguments and then replaces itself with the real Helm by `exec`, so that
 * Helm keeps the process id and receives its signals. HELM_KILLS="N start" kills the parent process
 * before the Nth call starts Helm, "N end" after Helm has exited, and "N never" instead of starting
 * Helm. HELM_SIGNAL is sent instead of KILL; the file FILE_WRITES.signal is created at that moment.
 * HELM_CALLS is an initially empty directory in which each call creates a numbered directory,
 * because calls may be concurrent.
 */
const renderHelmWrapper = (program: string, logPath: string): string => `#!/bin/sh
printf '%s\\n' "$*" >> '${logPath}'
signal() {
  : > "$FILE_WRITES.signal"
  kill -\${HELM_SIGNAL:-KILL} $PPID
}
if [ -n "$HELM_KILLS" ]; then
  call=1
  until mkdir "$HELM_CALLS/$call" 2>/dev/null; do call=$((call + 1)); done
  [ "$HELM_KILLS" = "$call start" ] && signal
  [ "$HELM_KILLS" = "$call never" ] && signal && exit
  if [ "$HELM_KILLS" = "$call end" ]; then
    '${program}' "$@"
    signal
    exit
  fi
fi
exec '${program}' "$@"
`

/** Follows aliases and returns the last address of a name. */
function resolveRecord(
  records: Readonly<Record<string, string>>,
  name: string,
): string | undefined {
  const recordText =
    records[name] ??
    Object.entries(records).find(
      ([pattern]) => pattern.startsWith('*.') && name.endsWith(pattern.slice(1)),
    )?.[1]
  const lastValue = recordText?.split(',').at(-1)?.trim()
  return lastValue === undefined || lastValue === '' || lastValue === '?' || isIP(lastValue) !== 0
    ? lastValue
    : resolveRecord(records, lastValue)
}
