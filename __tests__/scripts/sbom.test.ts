/** scripts/sbom.ts: the software bill of materials of dist/. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { listLicensedPackages, selectPackages } from '../../scripts/sbom.ts'
import { repositoryRoot } from '../../testing/environment.ts'

test('keeps the named packages in every version, with the dependencies among them', () => {
  const component = (name: string, version: string) => ({
    'bom-ref': `${name}@${version}`,
    name,
    version,
  })
  const bom = {
    specVersion: '1.5',
    metadata: { component: component('action', '1.0.0') },
    components: [
      component('a', '1'),
      component('b', '1'),
      component('b', '2'),
      component('c', '1'),
    ],
    dependencies: [
      { ref: 'action@1.0.0', dependsOn: ['a@1', 'c@1'] },
      { ref: 'a@1', dependsOn: ['b@2', 'c@1'] },
      { ref: 'c@1', dependsOn: ['b@1'] },
    ],
  }
  expect(selectPackages(bom, ['a', 'b'])).toEqual({
    ...bom,
    components: [component('a', '1'), component('b', '1'), component('b', '2')],
    dependencies: [
      { ref: 'action@1.0.0', dependsOn: ['a@1'] },
      { ref: 'a@1', dependsOn: ['b@2'] },
    ],
  })
})

test('lists the packages of a text of licences', () => {
  const licenses =
    '@scope/one\nMIT\nThe MIT License\n\nPermission is granted\n\ntwo.js\nISC\nText of it\n'
  expect(listLicensedPackages(licenses)).toEqual(['@scope/one', 'two.js'])
})

test('names every package of dist/ with its hash, and no other', () => {
  const output = execFileSync(process.execPath, ['scripts/sbom.ts'], {
    cwd: repositoryRoot,
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  })
  const { components } = JSON.parse(output) as {
    components: readonly { readonly name: string; readonly hashes: readonly unknown[] }[]
  }
  const licenses = readFileSync(join(repositoryRoot, 'dist/licenses.txt'), 'utf8')
  const bundled = new Set(listLicensedPackages(licenses))
  bundled.delete('milvus-alb-action')
  expect(bundled.size).toBeGreaterThan(30)
  expect(new Set(components.map(({ name }) => name))).toEqual(bundled)
  expect(components.filter(({ hashes }) => hashes.length === 0)).toEqual([])
})
