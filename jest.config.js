export default {
  // The default runner loads and compiles all modules again for each file.
  runner: 'jest-light-runner',
  setupFiles: ['<rootDir>/scripts/test/worker.ts'],
  modulePathIgnorePatterns: ['<rootDir>/build/'],
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
}
