/** The end of the process, also while a thread of it waits for the system. */

/**
 * Requests that a thread of libuv waits for, as `process.getActiveResourcesInfo` names them: a DNS
 * server or a file system that never answers. Nothing can cancel them, and `process.exit` waits for
 * these threads (libuv, uv_library_shutdown).
 */
const threadRequests: ReadonlySet<string> = new Set([
  'GetAddrInfoReqWrap',
  'GetNameInfoReqWrap',
  'FSReqCallback',
  'FSReqPromise',
])

/**
 * Ends the process with `process.exitCode` once its output is written, whatever is still pending.
 */
export function endProcess(): void {
  process.stdout.write('', () => {
    if (process.getActiveResourcesInfo().some((name) => threadRequests.has(name))) replaceProcess()
    process.exit()
  })
}

/** Replaces the process by one that exits at once with the same code, which ends all threads. */
function replaceProcess(): void {
  if (process.platform === 'win32') return
  process.execve?.('/bin/sh', ['sh', '-c', `exit ${Number(process.exitCode ?? 0)}`], {})
}
