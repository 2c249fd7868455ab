/**
 * Preloaded into a process (`--import`), writes the most memory that it ever had into the file
 * PEAK_FILE when it ends. Source: proc(5), VmHWM.
 */
import { readFileSync, writeFileSync } from 'node:fs'

process.on('exit', () => {
  const kilobytes =
    /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  writeFileSync(process.env.PEAK_FILE, kilobytes)
})
