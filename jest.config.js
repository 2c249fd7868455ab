export default {
  testEnvironment: 'node',
  modulePathIgnorePatterns: ['<rootDir>/build/'],
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': './scripts/strip-types.mjs' },
  testTimeout: 180_000,
}
