/**
 * Builds dist/ from src/: tsc to JavaScript, ncc to one file for each entry of an action: main, post, and the actions for fleets.
 * `node scripts/build.ts DIRECTORY` builds elsewhere, for the freshness check.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'

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
run('node_modules/.bin/ncc', 'build', 'build/index.js', '-o', target, '--target', 'es2022', '--license', 'licenses.txt')
for (const name of ['post', 'targets', 'fleet', 'fleet-report']) run('node_modules/.bin/ncc', 'build', `build/${name}.js`, '-o', `${target}/${name}`, '--target', 'es2022')
