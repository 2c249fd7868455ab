/**
 * Injects faults into the file writes of a process that preloads it (`--import`). Each call of a
 * function of node:fs that changes something is a write, numbered from 1.
 * - FILE_WRITES is a file to which each write is logged with its time in milliseconds.
 * - FILE_KILLS="N before" or "N after" kills the process at write N, with FILE_SIGNAL (SIGKILL by
 *   default). The file FILE_WRITES.signal is created at that moment.
 * - FILE_FAILS="N ENOSPC" fails write N and all later ones. A full disk (ENOSPC) allows deletions.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const names = [
  'writeFile',
  'appendFile',
  'mkdir',
  'mkdtemp',
  'rename',
  'rm',
  'unlink',
  'chmod',
  'copyFile',
]
/** The system calls that Node names in its errors, where they differ from the function. */
const syscalls = { writeFile: 'open', appendFile: 'open' }
const { openSync, writeSync } = fs
const {
  FILE_WRITES: notes,
  FILE_KILLS: moment,
  FILE_SIGNAL: signal = 'SIGKILL',
  FILE_FAILS: failure = '',
} = process.env
const [failsFrom, errno = ''] = failure.split(' ')
const log = notes ? openSync(notes, 'a') : undefined
let count = 0
/** appendFileSync calls writeFileSync, which must not be counted again. */
let isInside = false

/** Creates an error like those of Node. */
function createError(name, path) {
  const syscall = syscalls[name] ?? name
  const reason = errno === 'ENOSPC' ? 'no space left on device' : 'read-only file system'
  const message = `${errno}: ${reason}, ${syscall} '${path}'`
  return Object.assign(new Error(message), { code: errno, syscall, path: String(path) })
}

/**
 * Counts a write and injects a fault before it.
 * @returns a function that injects a fault after the write
 */
function begin(name, path) {
  count += 1
  const number = count
  const at = (when) => {
    if (moment !== `${number} ${when}`) return
    fs.closeSync(openSync(`${notes}.signal`, 'w'))
    process.kill(process.pid, signal)
  }
  if (log !== undefined) writeSync(log, `${Date.now()} ${name} ${String(path).split('/').at(-1)}\n`)
  at('before')
  if (
    errno !== '' &&
    number >= Number(failsFrom) &&
    !(errno === 'ENOSPC' && ['rm', 'unlink'].includes(name))
  ) {
    throw createError(name, path)
  }
  return () => at('after')
}

for (const name of names) {
  const [sync, promised] = [fs[`${name}Sync`], fs.promises[name]]
  fs[`${name}Sync`] = (path, ...rest) => {
    if (isInside) return sync(path, ...rest)
    const end = begin(name, path)
    isInside = true
    try {
      return sync(path, ...rest)
    } finally {
      isInside = false
      end()
    }
  }
  fs.promises[name] = async (path, ...rest) => {
    const end = begin(name, path)
    const result = await promised(path, ...rest)
    end()
    return result
  }
}
syncBuiltinESMExports()
