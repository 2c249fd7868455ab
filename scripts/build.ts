/**
 * Builds dist/ from src/: tsc to JavaScript, ncc to one file for each entry of an action: main,
 * post, and the actions for fleets. `node scripts/build.ts DIRECTORY` builds elsewhere, for the
 * freshness check.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'

const outputDirectory = process.argv[2] ?? 'dist'

/** Each entry point in src/, with the folder in dist/ of its bundle. */
const entries = [
  ['index', '.'],
  ['post', 'post'],
  ['fleet/plan/main', 'fleet/plan'],
  ['fleet/deploy/main', 'fleet/deploy'],
  ['fleet/report/main', 'fleet/report'],
] as const

/**
 * Without this, webpack has to keep all 18 MB of generated API classes of @kubernetes/client-node,
 * of which we use none: the bundle would take 100 ms longer to load. Its modules have no effects of
 * their own when they are imported.
 */
function allowTreeShaking(): void {
  const path = 'node_modules/@kubernetes/client-node/package.json'
  const packageJson = JSON.parse(readFileSync(path, 'utf8')) as { sideEffects?: boolean }
  if (packageJson.sideEffects !== false)
    writeFileSync(path, JSON.stringify({ ...packageJson, sideEffects: false }, null, 2))
}

const run = (...command: [string, ...string[]]) =>
  execFileSync(command[0], command.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] })

allowTreeShaking()
rmSync('build', { recursive: true, force: true })
rmSync(outputDirectory, { recursive: true, force: true })
run('node_modules/.bin/tsc', '-p', 'tsconfig.build.json')
cpSync('package.json', 'build/package.json')
for (const [entry, folder] of entries) {
  run(
    'node_modules/.bin/ncc',
    'build',
    `build/${entry}.js`,
    '-o',
    `${outputDirectory}/${folder}`,
    '--target',
    'es2022',
    '--license',
    '[name].licenses',
  )
}
mergeLicenses()

/** One file of every licence, each package once: ncc writes one for each chunk. */
function mergeLicenses(): void {
  const files = readdirSync(outputDirectory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.licenses'))
    .sort()
  const licenses = new Map<string, string[]>()
  for (const file of files) {
    let text: string[] = []
    for (const line of readFileSync(`${outputDirectory}/${file}`, 'utf8').split('\n')) {
      // Each begins with the name of its package; no text of a licence is a line of that name
      // alone.
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
