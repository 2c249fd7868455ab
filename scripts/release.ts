/**
 * The program of .github/workflows/release.yml, for the version in VERSION. `check` builds dist/
 * and reports everything that prevents this commit from becoming that version. `publish` creates
 * the tag, the GitHub release and the tag of the major version; it keeps what already exists, so it
 * can be repeated. It needs only Node, git and gh: where tags can be pushed, no code from a
 * registry runs.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The input of a release. */
export interface ReleaseCandidate {
  readonly version: string
  /** `OWNER/NAME`, from package.json. */
  readonly repository: string
  readonly branch: string
  readonly commit: string
  /** The versions in package.json and package-lock.json. */
  readonly manifests: Readonly<Record<string, string>>
  readonly changelog: string
  /** Files that tell users which tag to use, with their texts. */
  readonly usagePages: ReadonlyMap<string, string>
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
  repository,
  branch,
  commit,
  manifests,
  changelog,
  usagePages,
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
    ...findOtherMajors(usagePages, repository, numbers[0]),
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

/** Pages that tell users to use the tag of another major version than the one that will exist. */
function findOtherMajors(
  usagePages: ReadonlyMap<string, string>,
  repository: string,
  major: number,
): string[] {
  return [...usagePages].flatMap(([path, text]) => {
    const usesInText = text.split(repository).slice(1)
    const tags = usesInText.map((rest) => /^[\w./-]*@(v\d+)\b/.exec(rest) ?? [])
    const others = new Set(
      tags.map(([, tag]) => tag).filter((tag) => tag !== undefined && tag !== `v${major}`),
    )
    return [...others].map((tag) => `${path} uses @${tag}: this release moves the tag v${major}.`)
  })
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
const readManifest = (file: string): { version: string; repository: string } =>
  JSON.parse(readFileSync(file, 'utf8')) as { version: string; repository: string }

/** @returns `OWNER/NAME`, which stands in package.json */
export const readRepositoryName = (): string =>
  readManifest('package.json').repository.replace(/^github:/, '')

function readCandidate(version: string): ReleaseCandidate {
  // For an annotated tag, the line with ^{} comes second and contains the commit.
  const tags = run('git', 'ls-remote', '--tags', 'origin')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t'))
  return {
    version,
    repository: readRepositoryName(),
    branch: process.env['GITHUB_REF_NAME'] ?? '',
    commit: run('git', 'rev-parse', 'HEAD'),
    manifests: Object.fromEntries(
      ['package.json', 'package-lock.json'].map((file) => [file, readManifest(file).version]),
    ),
    changelog: readFileSync('CHANGELOG.md', 'utf8'),
    usagePages: new Map(listUsagePages().map((path) => [path, readFileSync(path, 'utf8')])),
    tags: new Map(
      tags.map(([commit = '', name = '']) => [name.replace(/^refs\/tags\/|\^\{\}$/g, ''), commit]),
    ),
  }
}

function listUsagePages(): string[] {
  const folders = ['docs', 'examples', 'workflow-templates'].filter((path) => existsSync(path))
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  )
  return ['README.md', ...files].filter((path) => /\.(md|yml)$/.test(path) && existsSync(path))
}

function findDistProblems(): string[] {
  run(process.execPath, 'scripts/build.ts')
  const changed = run('git', 'status', '--porcelain', '--', 'dist')
  return changed === ''
    ? []
    : [`dist/ is not what src/ builds to: run npm run build, and commit it.\n${changed}`]
}

/** The software bill of materials, which release.yml writes before it publishes. */
const sbomFile = 'sbom.cdx.json'

/** Pushes the tag of the major version last, so that its users get only complete releases. */
function publish({ version, commit, changelog, tags }: ReleaseCandidate): void {
  const [tag, major] = [`v${version}`, `v${version.slice(0, version.indexOf('.'))}`]
  if (!existsSync(sbomFile)) throw new Error(sbomMissing)
  // gh reads the token from GH_TOKEN; none is stored in the checkout.
  const pushRef = (refspec: string): void => {
    try {
      const settings = ['credential.helper=', 'credential.helper=!gh auth git-credential']
      const options = settings.flatMap((setting) => ['-c', setting])
      run('git', ...options, 'push', 'origin', refspec)
    } catch (error) {
      throw new Error(tagRefused(refspec.replace(/^.*:refs\/tags\//, '')), { cause: error })
    }
  }
  if (!tags.has(tag)) pushRef(`${commit}:refs/tags/${tag}`)
  const release = findRelease(tag)
  // gh uploads the files to a draft, which an interrupted run leaves behind.
  if (release === 'draft') run('gh', 'release', 'delete', tag, '--yes')
  if (release !== 'published')
    run(
      'gh',
      'release',
      'create',
      tag,
      sbomFile,
      '--verify-tag',
      '--title',
      tag,
      '--notes',
      extractReleaseNotes(changelog, version),
    )
  if (tags.get(major) !== commit) pushRef(`+${commit}:refs/tags/${major}`)
  console.log(`${tag} is released, and ${major} is ${tag}`)
}

const sbomMissing =
  `${sbomFile} is missing, and a release contains it. ` +
  'Run node scripts/sbom.ts > sbom.cdx.json first, as release.yml does.'

/** Source: GitHub, GITHUB_TOKEN: it may not push commits whose workflow files differ. */
const tagRefused = (tag: string): string =>
  `The push of tag ${tag} was rejected, see the lines above. GITHUB_TOKEN may not move a tag ` +
  'across changes of workflow files: set secret RELEASE_TOKEN of environment release to a token ' +
  'with contents: write and workflows: write. Then run this workflow again: it keeps what exists.'

function findRelease(tag: string): 'draft' | 'published' | undefined {
  try {
    const isDraft = run('gh', 'release', 'view', tag, '--json', 'isDraft', '--jq', '.isDraft')
    return isDraft === 'true' ? 'draft' : 'published'
  } catch {
    return undefined
  }
}

function main(command: string | undefined): void {
  const candidate = readCandidate(process.env['VERSION'] ?? '')
  const problems = [...findProblems(candidate), ...(command === 'check' ? findDistProblems() : [])]
  if (problems.length > 0) reportProblems(problems)
  else if (command === 'publish') {
    try {
      publish(candidate)
    } catch (error) {
      reportProblems([error instanceof Error ? error.message : String(error)])
    }
  }
}

function reportProblems(problems: readonly string[]): void {
  const escape = (text: string): string => text.replaceAll('%', '%25').replaceAll('\n', '%0A')
  console.error(problems.map((problem) => `::error::${escape(problem)}`).join('\n'))
  process.exitCode = 1
}

if (import.meta.main) main(process.argv[2])
