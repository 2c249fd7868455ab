/**
 * Preloaded into a process (`--import`), it numbers what that writes to files, from 1 on: each call
 * of a function of node:fs that changes something. FILE_WRITES names a file in which it notes them
 * with the time, in milliseconds; with FILE_KILLS="N before" or "N after" the process ends itself
 * there as if it were killed, with FILE_SIGNAL="SIGINT" it is sent that in place. A file
 * FILE_WRITES.signal is as old as that. With FILE_FAILS="N ENOSPC" the Nth write and those after it
 * fail so; a disk that is full (ENOSPC) still lets things be removed.
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
/** What node calls them in its errors. */
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
/** appendFileSync is made of writeFileSync: one write, not two. */
let isInside = false

/**
 * Counts one.
 * @returns what to do when it is done
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
    throw Object.assign(
      new Error(
        `${errno}: ${errno === 'ENOSPC' ? 'no space left on device' : 'read-only file system'}, ${syscalls[name] ?? name} '${path}'`,
      ),
      { code: errno, syscall: syscalls[name] ?? name, path: String(path) },
    )
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
