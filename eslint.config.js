import { importX } from 'eslint-plugin-import-x'
import tseslint from 'typescript-eslint'
import retiredNames from './eslint.retired-names.js'

/** Forbids imports in a folder. Each rule is a list of patterns and the reason. */
const forbid = (files, ...rules) => ({
  files,
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: rules.map(([group, message]) => ({ group, message })) },
    ],
  },
})

const clients = ['aws', 'kubernetes', 'helm', 'milvus']
const libraries = [
  '@actions/*',
  '@octokit/*',
  '@aws-sdk/*',
  '@smithy/*',
  '@kubernetes/*',
  'js-yaml',
]
const modes = ['**/modes/*', '**/main.ts']
const steps = ['**/steps/*', '**/steps/*/*']
const inputReader = ['**/inputs/settings.ts', '**/inputs/inputs.ts']
const reporting = ['**/reporting/*']

/** Folders that anything may import: they import nothing of the layers above them. */
const foundations = ['src/util/**', 'src/failures/**']

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'coverage/', 'node_modules/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', 'scripts/*.mjs', 'testing/*.mjs'] },
      },
    },
    plugins: { 'import-x': importX },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'import-x/no-duplicates': 'error',
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'no-nested-ternary': 'error',
      'object-shorthand': ['error', 'properties'],
      'no-useless-rename': 'error',
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'exit',
          message: 'Set process.exitCode: exit() loses output that was not written yet.',
        },
        ...['assertions', 'hasAssertions'].map((property) => ({
          object: 'expect',
          property,
          message: 'jest-light-runner does not check it.',
        })),
      ],
      complexity: ['error', 15],
      'id-denylist': ['error', ...retiredNames],
      'max-params': ['error', 4],
      'max-len': ['error', { code: 100, ignoreUrls: true, ignoreRegExpLiterals: true }],
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
    },
    settings: { 'import-x/extensions': ['.ts', '.mjs'] },
  },
  { files: ['**/*.js', '**/*.mjs'], extends: [tseslint.configs.disableTypeChecked] },
  {
    // Each failure is one message, and each test expects one: both read best on one line.
    files: ['src/failures/**', '__tests__/**'],
    rules: {
      'max-len': [
        'error',
        {
          code: 100,
          ignoreUrls: true,
          ignoreRegExpLiterals: true,
          ignoreStrings: true,
          ignoreTemplateLiterals: true,
        },
      ],
    },
  },
  { files: ['__tests__/**'], rules: { 'max-lines-per-function': 'off' } },

  // Imports go one way: modes -> steps -> controller, locking, clients, x509 -> failures, util.
  forbid(
    foundations,
    [libraries, 'util and failures import no library.'],
    [
      [...modes, ...steps, ...reporting, '**/clients/*', '**/x509/*', '**/inputs/*'],
      'util and failures import no other layer.',
    ],
  ),
  ...clients.map((client) =>
    forbid(
      [`src/clients/${client}/**`],
      [
        clients.filter((other) => other !== client).map((other) => `**/${other}/*`),
        'A client never imports another client.',
      ],
      [['@actions/core'], 'Only reporting/ and fleet/ import @actions/core.'],
      [
        [...modes, ...steps, ...inputReader, ...reporting],
        'A client imports only failures and util: it receives what it needs as arguments.',
      ],
    ),
  ),
  forbid(
    ['src/x509/**', 'src/controller/**', 'src/locking/**'],
    [['@actions/core'], 'Only reporting/ and fleet/ import @actions/core.'],
    [[...modes, ...inputReader, ...reporting], 'Steps use this layer: it never imports them.'],
  ),
  forbid(['src/inputs/**'], [['@actions/*'], 'Only reporting/ and fleet/ import @actions/core.']),
  forbid(
    ['src/steps/**'],
    [libraries, 'A step uses clients, never a library.'],
    [[...modes, ...inputReader], 'A step is called by a mode, and receives its settings.'],
  ),
  forbid(['src/modes/**'], [libraries, 'A mode only orders steps.']),
  {
    files: ['src/steps/**', 'src/modes/**', ...foundations],
    rules: {
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'Settings contain what a step needs from the environment.',
        },
      ],
    },
  },
)
