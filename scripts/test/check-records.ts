/** Records of the files on which a check last passed, so that it is not repeated without need. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheDirectory } from '../../testing/cli-tools.ts'

/** The files from which dist/ is built, as pathspecs for `git ls-files`. */
export const distSources: readonly string[] = [
  'src',
  'scripts/build.ts',
  'package-lock.json',
  'package.json',
  'tsconfig*.json',
]

/** A check whose result depends on files of the repository only. */
export interface RecordedCheck {
  readonly name: string
  /** The files on which the check depends, as pathspecs for `git ls-files`. */
  readonly files: readonly string[]
}

/** Whether dist/ is what src/ builds to. A build records it as well. */
export const distFreshness: RecordedCheck = {
  name: 'dist/ is what src/ builds to ("npm run build" updates it)',
  files: [...distSources, 'dist'],
}

/** A digest of the content of the files and the version of Node. */
export function computeFingerprint(patterns: readonly string[]): string {
  const names = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...patterns],
    { encoding: 'utf8' },
  )
    .split('\n')
    .filter((name) => name !== '')
    .sort()
  const hash = createHash('sha256').update(process.version)
  for (const name of names) hash.update(`\0${name}\0`).update(readIfExists(name) ?? 'deleted')
  return hash.digest('hex')
}

/** @returns undefined if the check has not passed yet */
export const readPassedFingerprint = (check: RecordedCheck): string | undefined =>
  readIfExists(locateRecord(check))

/** @param fingerprint of the check's files, from before it began */
export function recordPass(check: RecordedCheck, fingerprint: string): void {
  const path = locateRecord(check)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, fingerprint)
}

const locateRecord = ({ name }: RecordedCheck): string =>
  join(cacheDirectory, 'checks', name.replace(/\W.*/, ''))

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
