/** Variables of the environment: proxies and their passwords. */
import { describe, expect, test } from '@jest/globals'
import { findVariableErrors, findVariableSecrets } from '../../src/inputs/variables.ts'

const findProblems = (env: Record<string, string>): string[] =>
  findVariableErrors(env, { readsKubeconfig: true }).map(({ message }) => message)

describe('the URL of a proxy', () => {
  test.each<{ url: string; secrets: string[] }>([
    { url: 'http://proxy:3128', secrets: [] },
    { url: 'proxy:3128', secrets: [] },
    { url: '10.0.0.1:3128', secrets: [] },
    { url: 'http://[::1]:3128/', secrets: [] },
    { url: 'socks5://proxy:1080', secrets: [] },
    { url: 'http://me:hunter2@proxy', secrets: ['me:hunter2', 'hunter2', 'hunter2'] },
    { url: 'me:hunter2@proxy:3128', secrets: ['me:hunter2', 'hunter2', 'hunter2'] },
    { url: 'http://me:p%40ss@proxy', secrets: ['me:p%40ss', 'p%40ss', 'p@ss'] },
    { url: 'http://me:p@ss@proxy', secrets: ['me:p@ss', 'p@ss', 'p@ss'] },
  ])('is accepted, and its password is a secret: $url', ({ url, secrets }) => {
    expect(findProblems({ HTTPS_PROXY: url })).toEqual([])
    expect(findVariableSecrets({ https_proxy: url })).toEqual(secrets)
  })

  test.each<{ variable: string; url: string; password: string }>([
    { variable: 'HTTPS_PROXY', url: 'http://me:hunter2@proxy:port', password: 'hunter2' },
    { variable: 'http_proxy', url: 'me:hunter2@proxy:99999', password: 'hunter2' },
    { variable: 'ALL_PROXY', url: 'https://me:hunter2%zz@proxy', password: 'hunter2%zz' },
    { variable: 'HTTP_PROXY', url: 'http://me:hun/ter2@proxy', password: 'hun/ter2' },
  ])('is rejected by the name of its variable: $url', ({ variable, url, password }) => {
    expect(findProblems({ [variable]: url })).toEqual([
      `The environment variable ${variable} is not the URL of a proxy.`,
    ])
    expect(findVariableSecrets({ [variable]: url })).toContain(password)
  })

  test('is not looked for in NO_PROXY', () => {
    expect(findProblems({ NO_PROXY: 'a@b:c,::' })).toEqual([])
  })
})

test('the credentials of AWS are secrets', () => {
  expect(findVariableSecrets({ AWS_SECRET_ACCESS_KEY: 'a', AWS_SESSION_TOKEN: 'b' })).toEqual([
    'a',
    'b',
  ])
})
