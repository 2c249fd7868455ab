/** `npm run local`: its file of inputs, and what a terminal shows. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InputsFileError, readInputsFile } from '../../scripts/local/inputs.ts'
import { Terminal } from '../../scripts/local/terminal.ts'
import { parseList } from '../../src/inputs/lists.ts'
import { parseHelmValues, parseTextMap } from '../../src/inputs/yaml.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'local-test-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function writeInputs(text: string): string {
  const path = join(directory, 'inputs.yml')
  writeFileSync(path, text)
  return path
}

describe('a file of inputs', () => {
  test('is read as YAML: scalars as written, maps and lists as the inputs accept them', () => {
    writeFileSync(join(directory, 'key.pem'), 'canary')
    const inputs = readInputsFile(
      writeInputs(`host: milvus.example.com
allowed-account-ids: 012345678901
dry-run: true
region:
private-key: "@${join(directory, 'key.pem')}"
tags: {team: search, version: 1.10}
inbound-cidrs: [10.0.0.0/8, 127.0.0.0/8]
values:
  proxy: {replicas: 2, enabled: no}
`),
    )
    expect(inputs).toMatchObject({
      host: 'milvus.example.com',
      'allowed-account-ids': '012345678901',
      'dry-run': 'true',
      region: '',
      'private-key': 'canary',
    })
    expect(parseTextMap(inputs['tags'] ?? '')).toEqual({ team: 'search', version: '1.10' })
    expect(parseList(inputs['inbound-cidrs'] ?? '')).toEqual(['10.0.0.0/8', '127.0.0.0/8'])
    expect(parseHelmValues(inputs['values'] ?? '')).toEqual({
      proxy: { replicas: 2, enabled: false },
    })
  })

  test.each<{ name: string; text: string; problem: RegExp }>([
    {
      name: 'unknown inputs',
      text: 'dry_run: true\nhosst: canary',
      problem: /Input dry_run does not exist\. Did you mean dry-run\?.*\n.*Did you mean host\?/,
    },
    { name: 'a list', text: '- a', problem: /is not a YAML map/ },
    { name: 'nothing', text: '', problem: /is not a YAML map|is not valid YAML/ },
    { name: 'no YAML', text: 'host: "canary', problem: /is not valid YAML: syntax error in line/ },
    {
      name: 'a missing file of an input',
      text: 'private-key: "@/missing/key.pem"',
      problem: /Cannot read \/missing\/key\.pem for input private-key: .*ENOENT/,
    },
  ])('is rejected with $name', ({ text, problem }) => {
    const path = writeInputs(text)
    const read = (): unknown => readInputsFile(path)
    expect(read).toThrow(InputsFileError)
    expect(read).toThrow(problem)
    expect(read).not.toThrow(/canary/)
  })

  test('that does not exist, or is rejected by the action, ends without a stack trace', () => {
    const runLocal = (path: string) =>
      spawnSync(process.execPath, ['scripts/local.ts', path], { encoding: 'utf8' })
    const missing = runLocal('/missing.yml')
    expect([missing.status, missing.stderr]).toEqual([
      2,
      expect.stringMatching(/^Cannot read \/missing\.yml: ENOENT[^\n]*\n$/),
    ])
    const rejected = runLocal(writeInputs('mode: apply\n'))
    expect(rejected.status).toBe(1)
    expect(rejected.stdout).toContain('error: Milvus ALB: input-missing in preflight')
    expect(rejected.stdout).not.toMatch(/::|%0A/)
    const summaryPath = join(directory, 'inputs.summary.md')
    expect(readFileSync(summaryPath, 'utf8')).toContain('input-missing')
    expect(statSync(summaryPath).mode & 0o777).toBe(0o600)
  })
})

test('a terminal shows groups, annotations and no secrets', () => {
  const terminal = new Terminal()
  const lines = [
    '::add-mask::canary%25',
    '::group::✓ preflight: ok (0.1 s)',
    'a line with canary%',
    '::endgroup::',
    '::error title=Milvus ALB%3A x in probe::First.%0AWhat to do: Second: canary%25',
    '::debug::hidden',
    'std::string',
  ]
  expect(lines.map((line) => terminal.render(line)).filter((text) => text !== undefined)).toEqual([
    '\n✓ preflight: ok (0.1 s)',
    '  a line with ***',
    'error: Milvus ALB: x in probe\n  First.\n  What to do: Second: ***',
    'std::string',
  ])
})
