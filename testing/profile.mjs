/**
 * Preloaded into a run of the action (`--import`) while the tests are profiled. When the process
 * exits, it records in the file PROFILE the CPU time of the process and of the programs that it
 * ran, and the time it spent waiting, in seconds. Source: proc(5), /proc/PID/stat.
 */
import { openSync, readFileSync, writeSync } from 'node:fs'

const { PROFILE: profile = '', PROFILE_SUBJECT: subject = '' } = process.env
const ticksPerSecond = 100
// openSync is not one of the functions that file-write-faults.mjs counts and makes fail.
const notes = openSync(profile, 'a')

process.on('exit', () => {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15)
  const [action, helm] = [
    (user + system) / ticksPerSecond,
    (childrenUser + childrenSystem) / ticksPerSecond,
  ]
  const phases = { action, helm, waiting: Math.max(0, process.uptime() - action - helm) }
  writeSync(
    notes,
    Object.entries(phases)
      .map(([phase, seconds]) => `${JSON.stringify({ subject, phase, seconds })}\n`)
      .join(''),
  )
})
