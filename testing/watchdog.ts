/** Cleans up after this process, however it ends. */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Writable } from 'node:stream'

/** Resolves when a child has ended, or could not be started. */
export function waitForExit(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
}

/**
 * A shell in its own session that reads the ids of running processes from a pipe. The pipe is
 * closed when this process ends, even if it is killed: the shell then kills the remaining process
 * groups and removes the directory.
 */
export class Watchdog {
  private readonly shell: ChildProcess
  private readonly input: Writable

  /** @param directory removed at the end */
  constructor(directory: string) {
    const script = `alive=' ' files=''
while read -r verb pid; do
  case $verb in
    watch) alive="$alive$pid " ;;
    file) files="$files $pid" ;;
    forget) alive=$(printf '%s' "$alive" | sed "s/ $pid / /") ;;
  esac
done
for pid in $alive; do kill -s KILL -- "-$pid" 2>/dev/null || kill -s KILL "$pid" 2>/dev/null; done
rm -rf -- "$1"
for file in $files; do rm -f -- "$file"; rmdir -- "\${file%/*}" 2>/dev/null; done`
    this.shell = spawn('/bin/sh', ['-c', script, 'watchdog', directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: '/usr/bin:/bin' },
    })
    if (!this.shell.stdin) throw new Error('The watchdog has no standard input.')
    this.input = this.shell.stdin
    // The watchdog may be killed first, which must not end this process.
    this.input.on('error', () => undefined)
    this.shell.unref()
  }

  /** @param files removed with the process; paths without blanks */
  watch(pid: number, files: readonly string[]): void {
    this.input.write([`watch ${pid}`, ...files.map((file) => `file ${file}`), ''].join('\n'))
  }

  forget(pid: number): void {
    this.input.write(`forget ${pid}\n`)
  }

  async close(): Promise<void> {
    const exited = waitForExit(this.shell)
    if (this.shell.exitCode !== null || this.shell.signalCode !== null) return
    this.shell.ref()
    this.input.end()
    await exited
  }
}
