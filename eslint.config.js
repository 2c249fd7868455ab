import tseslint from 'typescript-eslint'

/** What a folder of src/ may not import, with the rule of the house that says so. */
const forbid = (files, ...rules) => ({
  files,
  rules: {
    'no-restricted-imports': ['error', { patterns: rules.map(([group, message]) => ({ group, message })) }],
  },
})

const rooms = ['aws', 'kubernetes', 'helm', 'milvus', 'x509']
const sdks = ['@actions/*', '@aws-sdk/*', '@smithy/*', '@kubernetes/*', 'js-yaml']
const upper = [['**/modes/*', '**/modes.ts', '**/steps/*', '**/main.ts', '**/settings.ts'], 'A room knows only core: what it needs comes as an argument.']

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'coverage/', 'node_modules/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['*.js', 'scripts/*.mjs', 'sandbox/*.mjs'] } } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-restricted-properties': ['error', { object: 'process', property: 'exit', message: 'Set process.exitCode: exit() loses what was not yet written.' }],
      complexity: ['error', 15],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 300 }],
    },
  },
  { files: ['**/*.js', '**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
  { files: ['__tests__/**'], rules: { 'max-lines-per-function': 'off' } },
  // The house: modes -> steps -> rooms -> core.
  forbid(['src/core/**'], [[...sdks], 'core knows no library.'], [['**/steps/*', '**/modes/*', '**/report/*', ...rooms.map((room) => `**/${room}/*`)], 'core knows no other room.']),
  ...rooms.map((room) =>
    forbid([`src/${room}/**`],
      [rooms.filter((other) => other !== room).map((other) => `**/${other}/*`), 'A room never imports another room.'],
      [['@actions/core'], 'Only settings.ts and report/ know @actions/core.'],
      upper)),
  forbid(['src/steps/**'], [sdks, 'A step talks to rooms, never to a library.'], [['**/modes/*', '**/main.ts', '**/settings.ts'], 'A step is called by a mode, and gets its settings.']),
  forbid(['src/modes/**'], [sdks, 'A mode only orders steps.']),
  {
    files: ['src/steps/**', 'src/modes/**', 'src/core/**'],
    rules: { 'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'Settings carry what a step needs of the environment.' }] },
  },
)
