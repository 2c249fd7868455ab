/**
 * The search for secrets finds each form in each place. Otherwise, finding nothing would mean
 * nothing.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { executeAction } from '../../testing/runner.ts'
import type { RecordedRequest } from '../../testing/request-log.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  listEncodings,
  findLeaks,
  findLeaksInRequests,
  collectRunOutputs,
} from '../scenarios/leaks.ts'

const secret = { name: 'it', text: 'p"a&s\\s <ö>/12+??>', for: ['milvus' as const] }

test.each<{ name: string; text: string; form: string }>([
  { name: 'unencoded', text: `x${secret.text}y`, form: 'raw' },
  {
    name: 'in base64',
    text: Buffer.from(secret.text).toString('base64'),
    form: 'base64, 0 bytes after its beginning',
  },
  {
    name: 'as the password of Basic authorization',
    text: Buffer.from(`root:${secret.text}`).toString('base64'),
    form: 'base64, 2 bytes after its beginning',
  },
  {
    name: 'in base64 of a longer text',
    text: Buffer.from(`a${secret.text}and more`).toString('base64'),
    form: 'base64, 1 bytes after its beginning',
  },
  {
    name: 'in the middle of a token',
    text: Buffer.from(`1234567${secret.text}`).toString('base64url'),
    form: 'base64 for URLs, 1 bytes after its beginning',
  },
  { name: 'in a path', text: `/a/${encodeURIComponent(secret.text)}`, form: 'URL-encoded' },
  {
    name: 'in a path in lowercase',
    text: '/a/p%22a%26s%5cs%20%3c%c3%b6%3e%2f12%2b%3f%3f%3e',
    form: 'URL-encoded in small letters',
  },
  {
    name: 'in a form',
    text: 'a=p%22a%26s%5Cs+%3C%C3%B6%3E%2F12%2B%3F%3F%3E&b=c',
    form: 'form-encoded',
  },
  { name: 'in JSON', text: JSON.stringify({ a: secret.text }), form: 'JSON-escaped' },
  {
    name: 'in JSON as Go encodes it',
    text: String.raw`{"a":"p\"a\u0026s\\s \u003cö\u003e/12+??\u003e"}`,
    form: 'JSON-escaped as Go does',
  },
])('finds a secret $name', ({ text, form }) => {
  expect(findLeaks({ there: text }, [secret])).toContain(`it in there (${form})`)
})

test('searches base64 for exactly the characters that only the secret determines', () => {
  for (const length of [6, 7, 8]) {
    const text = 'secret-long'.slice(0, length)
    for (const before of ['', 'x', 'xy', 'xyz'])
      for (const after of ['', 'z', 'zy'])
        expect(
          findLeaks({ there: Buffer.from(before + text + after).toString('base64') }, [
            { name: 'it', text },
          ]),
        ).not.toEqual([])
    expect(
      findLeaks({ there: Buffer.from('some other words').toString('base64') }, [
        { name: 'it', text },
      ]),
    ).toEqual([])
  }
  expect(listEncodings('plain').size).toBe(4)
})

const leakyAction = `
const { appendFileSync, writeFileSync } = require('node:fs')
const { env } = process
const secret = env.INPUT_SECRET
const where = env.INPUT_WHERE
if (where === 'stdout') console.log(secret)
if (where === 'stderr') console.error(secret)
if (where === 'masked') console.log('::add-mask::' + secret)
if (where.startsWith('GITHUB')) appendFileSync(env[where], 'name=' + secret + '\\n')
if (['RUNNER_TEMP', 'HOME', 'TMPDIR', 'HELM_CONFIG_HOME'].includes(where)) writeFileSync(env[where] + '/file', secret)
if (where === 'helm') appendFileSync(env.HELM_LOG, secret)
`

test('finds a secret in each output of a run', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'milvus-alb-leaks-'))
  const [config, log] = [join(directory, 'helm-config'), join(directory, 'helm.log')]
  const environment = {
    runnerEnv: () => ({ HELM_CONFIG_HOME: config, HELM_DATA_HOME: join(directory, 'none') }),
    helmCalls: async () => [await readFile(log, 'utf8')],
  } as unknown as TestEnvironment
  const findLeakPlaces = async (where = ''): Promise<string[]> => {
    await Promise.all([mkdir(config, { recursive: true }), writeFile(log, '')])
    const run = await executeAction({
      actionDirectory: directory,
      directory,
      env: { HELM_CONFIG_HOME: config, HELM_LOG: log },
      inputs: { secret: secret.text, where },
    })
    const leaks = findLeaks(await collectRunOutputs(environment, run), [secret]).map(
      (leak) => /^it in (.*) \(raw\)$/.exec(leak)?.[1]?.split('/').slice(-2).join('/') ?? '',
    )
    await rm(config, { recursive: true })
    return leaks.filter((leak) => leak !== '')
  }
  try {
    await writeFile(
      join(directory, 'action.yml'),
      'inputs: {secret: {}, where: {}}\nruns: {using: node24, main: main.cjs}\n',
    )
    await writeFile(join(directory, 'main.cjs'), leakyAction)
    const expectedPlaces = {
      stdout: 'what was printed',
      stderr: 'what was printed',
      GITHUB_OUTPUT: 'outputs',
      GITHUB_STATE: 'state',
      GITHUB_STEP_SUMMARY: 'summary',
      RUNNER_TEMP: 'temp/file',
      HOME: 'home/file',
      TMPDIR: 'tmp/file',
      HELM_CONFIG_HOME: 'helm-config/file',
      helm: 'the arguments of Helm',
    }
    for (const [where, place] of [
      ...Object.entries(expectedPlaces),
      ['masked', ''],
      ['nowhere', ''],
    ])
      expect({ where, place: (await findLeakPlaces(where)).join() }).toEqual({ where, place })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

test.each<[string, Partial<RecordedRequest>]>([
  ['path', { operation: `GET /${encodeURIComponent(secret.text)}` }],
  ['query', { query: `?a=${encodeURIComponent(secret.text)}` }],
  [
    'headers',
    {
      headers: { authorization: `Basic ${Buffer.from(`root:${secret.text}`).toString('base64')}` },
    },
  ],
  ['body', { body: JSON.stringify({ a: secret.text }) }],
])('finds a secret in the %s of a request to another service', (_, request) => {
  const sent = (service: 'milvus' | 'charts'): RecordedRequest => ({
    service,
    operation: 'GET /',
    isMutating: false,
    userAgent: '',
    query: '',
    body: '',
    receivedAt: 0,
    ...request,
  })
  expect(findLeaksInRequests([sent('charts')], [secret])[0]).toMatch(/^it in requests to charts/)
  expect(findLeaksInRequests([sent('milvus')], [secret])).toEqual([])
})
