/**
 * Loaded by each worker of jest before the tests. A worker is a thread that runs test files one
 * after the other in plain Node.js and loads each module once, so modules of the tests must not
 * keep state from file to file.
 */
import { registerHooks } from 'node:module'

const testFunctions = new URL('test-functions.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === '@jest/globals'
      ? { url: testFunctions, shortCircuit: true }
      : nextResolve(specifier, context),
})
