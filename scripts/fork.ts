/**
 * `npm run fork -- OWNER/NAME` gives a fork its name: in package.json, and in every page, template
 * and test that contains the name of package.json. The workflows need no change: they run the
 * actions of their own repository.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { readRepositoryName } from './release.ts'

/** Files that git tracks, except the bundles, which do not contain the name. */
const listFiles = (): string[] =>
  execFileSync('git', ['ls-files', '-z', '--', '.', ':!dist', ':!package-lock.json'], {
    encoding: 'utf8',
  })
    .split('\0')
    .filter((path) => path !== '')

function main(newName: string): void {
  if (!/^[\w.-]+\/[\w.-]+$/.test(newName))
    throw new RangeError(
      `"${newName}" is not the name of a repository: pass OWNER/NAME, for example acme/milvus-alb.`,
    )
  const currentName = readRepositoryName()
  const changedFiles = listFiles().filter((path) => {
    const text = readFileSync(path, 'utf8')
    if (!text.includes(currentName)) return false
    writeFileSync(path, text.replaceAll(currentName, newName))
    return true
  })
  console.log(`Renamed ${currentName} to ${newName} in ${changedFiles.length} files`)
}

try {
  main(process.argv[2] ?? '')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
