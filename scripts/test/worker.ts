/**
 * Loaded by each worker of jest before the tests. Workers run test files one after the other in
 * plain Node.js, which loads each module once per worker, so modules of the tests must not keep
 * state from file to file.
 */
import { registerHooks } from 'node:module'

const testFunctions = new URL('test-functions.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === '@jest/globals'
      ? { url: testFunctions, shortCircuit: true }
      : nextResolve(specifier, context),
})

/** Resources that a test must close. Jest ends a worker whatever is left open. */
const leaks = new Set(['TCPServerWrap', 'ProcessWrap', 'Timeout', 'FSEventWrap'])

process.once('SIGTERM', () => {
  const left = process.getActiveResourcesInfo().filter((resource) => leaks.has(resource))
  if (left.length > 0) console.error(`The tests of a worker left open: ${left.join(', ')}`)
  process.kill(process.pid, 'SIGTERM')
})
