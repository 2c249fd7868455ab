/**
 * Builds dist/ from src/: tsc to JavaScript, ncc to one file for each entry of an action: main, post, and the actions for fleets.
 * `node scripts/build.ts DIRECTORY` builds elsewhere, for the freshness check.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'

const target = process.argv[2] ?? 'dist'

/**
 * Without this, webpack has to keep all 18 MB of generated API classes of @kubernetes/client-node, of which we use none:
 * the bundle would take 100 ms longer to load. Its modules have no effects of their own when they are imported.
 */
function allowTreeShaking(): void {
  const path = 'node_modules/@kubernetes/client-node/package.json'
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as { sideEffects?: boolean }
  if (manifest.sideEffects !== false) writeFileSync(path, JSON.stringify({ ...manifest, sideEffects: false }, null, 2))
}

const run = (...command: [string, ...string[]]) => execFileSync(command[0], command.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] })

allowTreeShaking()
rmSync('build', { recursive: true, force: true })
rmSync(target, { recursive: true, force: true })
run('node_modules/.bin/tsc', '-p', 'tsconfig.build.json')
cpSync('package.json', 'build/package.json')
for (const name of ['index', 'post', 'targets', 'fleet', 'fleet-report']) {
  const directory = name === 'index' ? target : `${target}/${name}`
  run('node_modules/.bin/ncc', 'build', `build/${name}.js`, '-o', directory, '--target', 'es2022', '--license', '[name].licenses')
}
gatherLicenses()

/** One file of every licence, each package once: ncc writes one for each chunk. */
function gatherLicenses(): void {
  const files = readdirSync(target, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.licenses')).sort()
  const texts = new Map<string, string[]>()
  for (const file of files) {
    let text: string[] = []
    for (const line of readFileSync(`${target}/${file}`, 'utf8').split('\n')) {
      // Each begins with the name of its package; no text of a licence is a line of that name alone.
      const isPackage = /^(@[\w.-]+\/)?[a-z][\w.-]*$/.test(line) && existsSync(`node_modules/${line}/package.json`)
      if (isPackage) texts.set(line, (text = []))
      text.push(line)
    }
  }
  writeFileSync(`${target}/licenses.txt`, [...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, lines]) => lines.join('\n').trim()).join('\n\n') + '\n')
  files.forEach((name) => rmSync(`${target}/${name}`))
}
