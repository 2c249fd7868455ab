/**
 * Builds dist/ from src/: tsc compiles to JavaScript, and ncc bundles each entry point into one
 * file: main, post, and the fleet actions. `node scripts/build.ts DIRECTORY` builds to another
 * folder, for the freshness check.
 */
import { execFile, execFileSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { computeFingerprint, distFreshness, distSources, recordPass } from './test/check-records.ts'

const outputDirectory = process.argv[2] ?? 'dist'

/** The entry points in src/, with the folders of their bundles in dist/. */
const entries = [
  ['index', '.'],
  ['post', 'post'],
  ['fleet/plan/main', 'fleet/plan'],
  ['fleet/deploy/main', 'fleet/deploy'],
  ['fleet/report/main', 'fleet/report'],
] as const

/**
 * Packages whose modules have no side effects when they are imported, which their package.json does
 * not say. Without this, webpack keeps all 18 MB of generated API classes of
 * @kubernetes/client-node, and the HTTP client of @actions/core (1 MB in every bundle), none of
 * which are used.
 */
const packagesWithoutSideEffects = [
  '@kubernetes/client-node',
  '@actions/core',
  '@actions/http-client',
]

function allowTreeShaking(): void {
  for (const name of packagesWithoutSideEffects) {
    const path = `node_modules/${name}/package.json`
    const packageJson = JSON.parse(readFileSync(path, 'utf8')) as { sideEffects?: boolean }
    if (packageJson.sideEffects !== false)
      writeFileSync(path, JSON.stringify({ ...packageJson, sideEffects: false }, null, 2))
  }
}

/** Bundles an entry point. A failure prints what ncc wrote. */
async function bundle(entry: string, folder: string): Promise<void> {
  await promisify(execFile)('node_modules/.bin/ncc', [
    'build',
    `build/${entry}.js`,
    '-o',
    `${outputDirectory}/${folder}`,
    '--target',
    'es2022',
    '--license',
    '[name].licenses',
  ])
}

const readVersion = (): string =>
  (JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }).version

const sourceFingerprint = computeFingerprint(distSources)
allowTreeShaking()
rmSync('build', { recursive: true, force: true })
rmSync(outputDirectory, { recursive: true, force: true })
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
cpSync('package.json', 'build/package.json')
writeFileSync('build/version.js', `export const version = ${JSON.stringify(readVersion())}\n`)
await Promise.all(entries.map(([entry, folder]) => bundle(entry, folder)))
mergeLicenses()
// A file that was saved during the build may be missing from it.
if (outputDirectory === 'dist' && computeFingerprint(distSources) === sourceFingerprint)
  recordPass(distFreshness, computeFingerprint(distFreshness.files))

/**
 * Merges all licences into one file with each package once, because ncc writes one file per chunk.
 */
function mergeLicenses(): void {
  const files = readdirSync(outputDirectory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.licenses'))
    .sort()
  const licenses = new Map<string, string[]>()
  for (const file of files) {
    let text: string[] = []
    for (const line of readFileSync(`${outputDirectory}/${file}`, 'utf8').split('\n')) {
      // Each licence begins with the name of its package. No licence text contains a line of only
      // that name.
      const isPackage =
        /^(@[\w.-]+\/)?[a-z][\w.-]*$/.test(line) && existsSync(`node_modules/${line}/package.json`)
      if (isPackage) licenses.set(line, (text = []))
      text.push(line)
    }
  }
  writeFileSync(
    `${outputDirectory}/licenses.txt`,
    [...licenses]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, lines]) => lines.join('\n').trim())
      .join('\n\n') + '\n',
  )
  files.forEach((name) => rmSync(`${outputDirectory}/${name}`))
}
