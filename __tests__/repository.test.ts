/**
 * The files around the code: links resolve, issue forms ask for what helps, dependency updates
 * wait.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { repositoryRoot } from '../testing/environment.ts'

const readText = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8')
const folders = ['.', 'docs', 'docs/decisions', 'simulator', 'integration', 'testing']
const pages = folders.flatMap((folder) =>
  readdirSync(join(repositoryRoot, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
)

test.each(pages)('%s links only to existing files', (page) => {
  const links = [...readText(page).matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
  expect(links.filter((link) => !existsSync(join(repositoryRoot, dirname(page), link)))).toEqual([])
})

test('the main bundle leaves out what most runs do not load', () => {
  const bundle = 'dist/index.js'
  expect(statSync(join(repositoryRoot, bundle)).size).toBeLessThan(3_000_000)
  expect(readText(bundle)).not.toMatch(/undici-fetch|openid-client|class EKSClient/)
})

test('Dependabot updates every kind of dependency after at least a week', () => {
  const { updates } = load(readText('.github/dependabot.yml')) as {
    updates: {
      'package-ecosystem': string
      directory: string
      cooldown: { 'default-days': number }
    }[]
  }
  expect(updates.map(({ 'package-ecosystem': kind, directory }) => `${kind} ${directory}`)).toEqual(
    ['npm /', 'github-actions /', 'gomod /integration/control-plane', 'pip /integration/python'],
  )
  for (const { cooldown, directory } of updates) {
    expect(cooldown['default-days']).toBeGreaterThanOrEqual(7)
    expect(existsSync(join(repositoryRoot, directory))).toBe(true)
  }
})

test('the bug form asks for the failure code, the version and the log, and explains what is not masked', () => {
  const { body } = load(readText('.github/ISSUE_TEMPLATE/bug.yml')) as {
    body: { id?: string; attributes: { description?: string } }[]
  }
  expect(body.flatMap(({ id }) => id ?? [])).toEqual(
    expect.arrayContaining(['version', 'failure-code', 'log']),
  )
  expect(body.find(({ id }) => id === 'log')?.attributes.description).toContain(
    'host names, account ids, ARNs and addresses are not',
  )
})
