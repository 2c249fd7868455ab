/** Process trees. A runner that dies takes down its processes and all their descendants. */
import { readFileSync, readdirSync } from 'node:fs'

/**
 * Lists the process and its descendants, parents before children. Source: proc(5), /proc/PID/stat.
 */
export function listProcessTree(rootPid: number): number[] {
  const parentPids = new Map(listPids().map((pid) => [pid, readParentPid(pid)]))
  const tree = [rootPid]
  for (const pid of tree)
    tree.push(
      ...[...parentPids].filter(([, parentPid]) => parentPid === pid).map(([childPid]) => childPid),
    )
  return tree
}

/** Kills the process and its descendants with SIGKILL, so that none of them can clean up. */
export function killProcessTree(rootPid: number): void {
  for (const pid of listProcessTree(rootPid)) killProcess(pid)
}

/**
 * Lists the processes that were started with a variable in their environment, also those whose
 * parent has ended. Source: proc(5), /proc/PID/environ.
 * @param variable `NAME=value`
 */
export const listProcessesWith = (variable: string): number[] =>
  listPids().filter((pid) => readEnvironment(pid).includes(variable))

const listPids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

/** Kills a process if it is still running. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

/** Whether the process exists and has not been waited for yet. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/**
 * The process name in the file may contain spaces and parentheses, so the fields are read after the
 * last parenthesis.
 */
function readParentPid(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined
  }
}

function readEnvironment(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}
