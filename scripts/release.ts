/**
 * The program of .github/workflows/release.yml, for the version in VERSION. `check` builds dist/
 * and reports everything that prevents this commit from becoming that version. `publish` creates
 * the tag, the GitHub release and the tag of the major version; it keeps what already exists, so it
 * can be repeated. It needs only Node, git and gh: where tags can be pushed, no code from a
 * registry runs.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The input of a release. */
export interface ReleaseCandidate {
  readonly version: string
  readonly branch: string
  readonly commit: string
  /** The versions in package.json and package-lock.json. */
  readonly manifests: Readonly<Record<string, string>>
  readonly changelog: string
  /** The commits of the remote's tags. */
  readonly tags: ReadonlyMap<string, string>
}

/** The text below a version's heading, `## [1.2.0] - 2026-11-27`; empty when there is none. */
export function extractReleaseNotes(changelog: string, version: string): string {
  const [, ...sections] = changelog.split(/^## /m)
  const versionSection = sections.find(
    (section) =>
      section.startsWith(`[${version}] - `) && /^\S+ - \d{4}-\d{2}-\d{2}\n/.test(section),
  )
  return versionSection?.slice(versionSection.indexOf('\n')).trim() ?? ''
}

/**
 * Everything that prevents a commit from becoming a version, each as a sentence with what to do.
 * Pure.
 */
export function findProblems({
  version,
  branch,
  commit,
  manifests,
  changelog,
  tags,
}: ReleaseCandidate): string[] {
  const numbers = parseVersion(version)
  if (!numbers) return [`"${version}" is not a version: pass three numbers, for example 1.2.0.`]
  const [taggedCommit, newest] = [tags.get(`v${version}`), findNewestVersion(tags)]
  return [
    ...(branch === 'main' ? [] : [`This is the branch ${branch}: releases are made from main.`]),
    ...Object.entries(manifests)
      .filter(([, manifestVersion]) => manifestVersion !== version)
      .map(
        ([file, manifestVersion]) =>
          `${file} says ${manifestVersion}, not ${version}: ` +
          `run npm version ${version} --no-git-tag-version.`,
      ),
    ...(extractReleaseNotes(changelog, version) === ''
      ? [
          `CHANGELOG.md has no text under "## [${version}] - YYYY-MM-DD": ` +
            'move there what stands under Unreleased.',
        ]
      : []),
    ...(taggedCommit !== undefined && taggedCommit !== commit
      ? [
          `v${version} is commit ${taggedCommit.slice(0, 7)} already, ` +
            'and a released version never changes: take the next one.',
        ]
      : []),
    ...(newest && compareVersions(newest, numbers) > 0
      ? [`v${newest.join('.')} is released already: take a version after it.`]
      : []),
  ]
}

type VersionNumbers = readonly [major: number, minor: number, patch: number]

function parseVersion(version: string): VersionNumbers | undefined {
  const [, ...numbers] = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/.exec(version) ?? []
  return numbers.length === 0 ? undefined : (numbers.map(Number) as unknown as VersionNumbers)
}

const compareVersions = (a: VersionNumbers, b: VersionNumbers): number =>
  a[0] - b[0] || a[1] - b[1] || a[2] - b[2]

const findNewestVersion = (tags: ReleaseCandidate['tags']): VersionNumbers | undefined =>
  [...tags.keys()]
    .map((tag) => parseVersion(tag.replace(/^v/, '')))
    .filter((numbers) => numbers !== undefined)
    .sort(compareVersions)
    .at(-1)

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()
const readVersion = (file: string): string =>
  (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version

function readCandidate(version: string): ReleaseCandidate {
  // For an annotated tag, the line with ^{} comes second and contains the commit.
  const tags = run('git', 'ls-remote', '--tags', 'origin')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
  return {
    version,
    branch: process.env['GITHUB_REF_NAME'] ?? '',
    commit: run('git', 'rev-parse', 'HEAD'),
    manifests: Object.fromEntries(
      ['package.json', 'package-lock.json'].map((file) => [file, readVersion(file)]),
    ),
    changelog: readFileSync('CHANGELOG.md', 'utf8'),
    tags: new Map(
      tags.map(([commit = '', name = '']) => [name.replace(/^refs\/tags\/|\^\{\}$/g, ''), commit]),
    ),
  }
}

function findDistProblems(): string[] {
  run(process.execPath, 'scripts/build.ts')
  const changed = run('git', 'status', '--porcelain', '--', 'dist')
  return changed === ''
    ? []
    : [`dist/ is not what src/ builds to: run npm run build, and commit it.\n${changed}`]
}

/** Pushes the tag of the major version last, so that its users get only complete releases. */
function publish({ version, commit, changelog, tags }: ReleaseCandidate): void {
  const [tag, major] = [`v${version}`, `v${version.slice(0, version.indexOf('.'))}`]
  // gh reads the token from GH_TOKEN; none is stored in the checkout.
  const pushRef = (refspec: string) =>
    run(
      'git',
      '-c',
      'credential.helper=',
      '-c',
      'credential.helper=!gh auth git-credential',
      'push',
      'origin',
      refspec,
    )
  if (!tags.has(tag)) pushRef(`${commit}:refs/tags/${tag}`)
  if (!isReleased(tag))
    run(
      'gh',
      'release',
      'create',
      tag,
      '--verify-tag',
      '--title',
      tag,
      '--notes',
      extractReleaseNotes(changelog, version),
    )
  if (tags.get(major) !== commit) pushRef(`+${commit}:refs/tags/${major}`)
  console.log(`${tag} is released, and ${major} is ${tag}`)
}

function isReleased(tag: string): boolean {
  try {
    return run('gh', 'release', 'view', tag, '--json', 'tagName') !== ''
  } catch {
    return false
  }
}

function main(command: string | undefined): void {
  const candidate = readCandidate(process.env['VERSION'] ?? '')
  const problems = [...findProblems(candidate), ...(command === 'check' ? findDistProblems() : [])]
  if (problems.length > 0) {
    console.error(
      problems
        .map((problem) => `::error::${problem.replaceAll('%', '%25').replaceAll('\n', '%0A')}`)
        .join('\n'),
    )
    process.exitCode = 1
  } else if (command === 'publish') publish(candidate)
}

if (import.meta.main) main(process.argv[2])
