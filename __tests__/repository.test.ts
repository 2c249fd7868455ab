/**
 * The files around the code: links resolve, issue forms ask for what helps, dependency updates
 * wait.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { repositoryRoot } from '../testing/environment.ts'

const readText = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8')
const listFiles = ['ls-files', '--cached', '--others', '--exclude-standard', '*.md']
const pages = execFileSync('git', listFiles, { cwd: repositoryRoot, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((page) => existsSync(join(repositoryRoot, page)))

const removeCode = (markdown: string): string => markdown.replace(/^ *```[\s\S]*?^ *```$/gm, '')

/** The anchors of a page and of its headings. Source: GitHub, section links; github-slugger. */
function listAnchors(page: string): Set<string> {
  const markdown = removeCode(readText(page))
  const anchors = new Set([...markdown.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id))
  for (const [, heading = ''] of markdown.matchAll(/^#{1,6} (.*)$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    const anchor = text
      .toLowerCase()
      .replace(/[^\p{Letter}\p{Number}_ -]/gu, '')
      .replaceAll(' ', '-')
    let unique = anchor
    for (let count = 1; anchors.has(unique); count += 1) unique = `${anchor}-${count}`
    anchors.add(unique)
  }
  return anchors
}

test.each(pages)('%s links only to existing files and headings', (page) => {
  const links = [...removeCode(readText(page)).matchAll(/\]\(([^)#\s]*)(?:#([^)]*))?\)/g)]
  const broken = links.filter(([, path = '', anchor]) => {
    if (/^[a-z]+:/.test(path)) return false
    const target = path === '' ? page : join(dirname(page), path)
    if (!existsSync(join(repositoryRoot, target))) return true
    return anchor !== undefined && target.endsWith('.md') && !listAnchors(target).has(anchor)
  })
  expect(broken.map(([link]) => link)).toEqual([])
})

test.each([
  ['README.md', 'quick-start'],
  ['docs/permissions.md', '1-aws-permissionsiam-policyjson'],
])('the anchors of %s are those of GitHub', (page, anchor) => {
  expect(listAnchors(page)).toContain(anchor)
})

test('the main bundle leaves out what most runs do not load', () => {
  const bundle = 'dist/index.js'
  expect(statSync(join(repositoryRoot, bundle)).size).toBeLessThan(3_000_000)
  expect(readText(bundle)).not.toMatch(/undici-fetch|openid-client|class EKSClient/)
})

test('docs/decisions/dependencies.md gives a reason for every dependency', () => {
  const { dependencies, devDependencies } = JSON.parse(readText('package.json')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >
  const page = readText('docs/decisions/dependencies.md')
  const names = Object.keys({ ...dependencies, ...devDependencies })
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
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
