/**
 * Blocks a thread of a process that preloads it (`--import`) for ever, as a DNS server that does
 * not answer blocks one for half a minute: it opens BLOCKED_THREAD_PIPE, to which nobody writes.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, open } from 'node:fs'

const { BLOCKED_THREAD_PIPE: path } = process.env
if (!existsSync(path)) execFileSync('mkfifo', [path])
// Like a lookup that timed out, it does not keep the run alive by itself.
open(path, 'r', () => undefined)
