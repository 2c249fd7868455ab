/** Variables of the environment: proxies and their passwords. */
import { describe, expect, test } from '@jest/globals'
import {
  describeIgnoredProxy,
  findVariableErrors,
  findVariableSecrets,
} from '../../src/inputs/variables.ts'

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

describe('a proxy that this version of Node ignores', () => {
  const proxy = { HTTPS_PROXY: 'http://proxy:3128' }
  test.each([
    { name: 'Node 24.4', env: proxy, nodeVersion: '24.4.1', isIgnored: true },
    {
      name: 'a variable in lower case',
      env: { http_proxy: 'p' },
      nodeVersion: '24.0.0',
      isIgnored: true,
    },
    { name: 'Node 24.5', env: proxy, nodeVersion: '24.5.0', isIgnored: false },
    { name: 'Node 24.10', env: proxy, nodeVersion: '24.10.0', isIgnored: false },
    { name: 'Node 25', env: proxy, nodeVersion: '25.0.0', isIgnored: false },
    {
      name: 'no proxy',
      env: { NO_PROXY: '*', HTTPS_PROXY: '' },
      nodeVersion: '24.4.1',
      isIgnored: false,
    },
  ])('$name', ({ env, nodeVersion, isIgnored }) => {
    const [variable = ''] = Object.keys(env)
    const warning = describeIgnoredProxy(env, nodeVersion)
    if (isIgnored) expect(warning).toContain(`${variable} is ignored`)
    else expect(warning).toBeUndefined()
  })
})

test('the credentials of AWS are secrets', () => {
  expect(findVariableSecrets({ AWS_SECRET_ACCESS_KEY: 'a', AWS_SESSION_TOKEN: 'b' })).toEqual([
    'a',
    'b',
  ])
})
