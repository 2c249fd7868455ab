/** What a GitHub runner finds on its disk in a world, and the environment that leads there. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { profilingOptions } from './profile.ts'

/** The files. */
export interface RunnerFiles {
  /** Path of a PEM with the authority that everything in the world is signed by. */
  readonly caPath: string
  /** Changes the DNS; testing/dns-override.mjs says what a text means. */
  setDnsRecords(records: Readonly<Record<string, string>>): Promise<void>
  /** Where a name leads. */
  resolveName(name: string): Promise<string | undefined>
  /** Which helm is on the PATH from now on. */
  useHelm(program: string): Promise<void>
  /** Each call of helm by whoever had `environment`: its arguments. */
  helmCalls(): Promise<string[]>
  readonly env: Readonly<Record<string, string>>
}

/**
 * Writes them.
 * @param helmPath the program that the one on the PATH becomes
 * @param caPem PEM
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
 * helm writes down its arguments and becomes the real one, so that it keeps the process id and gets
 * its signals. With HELM_KILLS="N start" or "N end" the Nth call kills whoever called it before
 * helm begins, or when it has ended; with "N never" before helm begins, which it then does not;
 * HELM_CALLS is a directory, empty at first, in which each call makes one with its process id:
 * calls may be at the same time. HELM_SIGNAL is what to send in place of KILL; a file
 * FILE_WRITES.signal is as old as that.
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
  echo $$ > "$HELM_CALLS/$call/pid"
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

/** The last address of a name, at the end of its aliases. */
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
