/** A process and all that it started, as a runner that dies takes them with it. */
import { readFileSync, readdirSync } from 'node:fs'

/** The process and its descendants, the youngest last. Source: proc(5), /proc/PID/stat. */
export function listProcessTree(rootPid: number): number[] {
  const parentPids = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), readParentPid(name)]),
  )
  const tree = [rootPid]
  for (const pid of tree)
    tree.push(
      ...[...parentPids].filter(([, parentPid]) => parentPid === pid).map(([childPid]) => childPid),
    )
  return tree
}

/** Ends them all at once, with no time to say anything. */
export function killProcessTree(rootPid: number): void {
  for (const pid of listProcessTree(rootPid)) killProcess(pid)
}

/** Ends one, if it is still there. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

/** Whether it is there and not yet waited for. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The name in the file may have spaces and parentheses: what counts follows the last one. */
function readParentPid(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}
