/** What a GitHub runner finds on its disk in a world, and the environment that leads there. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { delimiter, dirname, join } from 'node:path'
import { profiling } from './profile.ts'

/** The files. */
export interface RunnerFiles {
  /** Path of a PEM with the authority that everything in the world is signed by. */
  readonly ca: string
  /** Changes the DNS; sandbox/names.mjs says what a text means. */
  setNames(names: Readonly<Record<string, string>>): Promise<void>
  /** Where a name leads. */
  resolve(name: string): Promise<string | undefined>
  /** Which helm is on the PATH from now on. */
  useHelm(program: string): Promise<void>
  /** Each call of helm by whoever had `environment`: its arguments. */
  helmCalls(): Promise<string[]>
  readonly environment: Readonly<Record<string, string>>
}

/**
 * Writes them.
 * @param helm the program that the one on the PATH becomes
 * @param ca PEM
 */
export async function runnerFiles(directory: string, helm: string, ca: string): Promise<RunnerFiles> {
  const at = (name: string): string => join(directory, name)
  await mkdir(at('bin'), { recursive: true })
  const useHelm = async (program: string): Promise<void> => {
    await writeFile(at('bin/helm'), wrapper(program, at('helm.log')))
    await chmod(at('bin/helm'), 0o755)
  }
  await Promise.all([writeFile(at('ca.pem'), ca), writeFile(at('helm.log'), ''), writeFile(at('names.json'), '{}'), useHelm(helm)])
  return {
    ca: at('ca.pem'),
    useHelm,
    setNames: (names) => writeFile(at('names.json'), JSON.stringify(names)),
    resolve: async (name) => resolveIn(JSON.parse(await readFile(at('names.json'), 'utf8')) as Record<string, string>, name),
    helmCalls: async () => (await readFile(at('helm.log'), 'utf8')).split('\n').filter((line) => line !== ''),
    environment: {
      PATH: [at('bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
      NODE_EXTRA_CA_CERTS: at('ca.pem'),
      NODE_OPTIONS: [`--import=${new URL('names.mjs', import.meta.url).href}`, ...profiling.nodeOptions].join(' '),
      ...profiling.environment,
      SANDBOX_NAMES: at('names.json'),
      HELM_DATA_HOME: at('helm-data'),
      HELM_CONFIG_HOME: at('helm-config'),
    },
  }
}

/**
 * helm writes down its arguments and becomes the real one, so that it keeps the process id and gets its signals. With
 * HELM_KILLS="N start" or "N end" the Nth call kills whoever called it before helm begins, or when it has ended; with
 * "N never" before helm begins, which it then does not; HELM_CALLS is a directory, empty at first, in which each call makes one with its process id: calls may be at the same time. HELM_SIGNAL is what to send in place of KILL;
 * a file FILE_WRITES.signal is as old as that.
 */
const wrapper = (program: string, log: string): string => `#!/bin/sh
printf '%s\\n' "$*" >> '${log}'
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
function resolveIn(names: Readonly<Record<string, string>>, name: string): string | undefined {
  const text = names[name] ?? Object.entries(names).find(([pattern]) => pattern.startsWith('*.') && name.endsWith(pattern.slice(1)))?.[1]
  const last = text?.split(',').at(-1)?.trim()
  return last === undefined || last === '' || last === '?' || isIP(last) !== 0 ? last : resolveIn(names, last)
}
