/**
 * Prints the software bill of materials of dist/ in CycloneDX form: of all packages in
 * package-lock.json, those that dist/licenses.txt names. npm's own `--omit dev` also omits packages
 * that both dist/ and a tool depend on, and keeps some that dist/ does not contain. npm reads only
 * the lockfile, so nothing has to be installed.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The part of a CycloneDX document that depends on the selection. */
export interface BillOfMaterials {
  readonly metadata: { readonly component: { readonly 'bom-ref': string } }
  readonly components: readonly { readonly 'bom-ref': string; readonly name: string }[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

/** The packages whose licences a text of `npm run build` contains. */
export const listLicensedPackages = (licenses: string): string[] =>
  [...licenses.matchAll(/(?:^|\n\n)((?:@[\w.-]+\/)?[\w.-]+)\n/g)].map(([, name = '']) => name)

/** Keeps the packages with these names, in every version, and the dependencies among them. */
export function selectPackages<T extends BillOfMaterials>(bom: T, names: readonly string[]): T {
  const components = bom.components.filter(({ name }) => names.includes(name))
  const refs = new Set([
    bom.metadata.component['bom-ref'],
    ...components.map((component) => component['bom-ref']),
  ])
  const dependencies = bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }))
  return { ...bom, components, dependencies }
}

function main(): void {
  const options = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx']
  const bom = JSON.parse(
    execFileSync('npm', options, { encoding: 'utf8', maxBuffer: 64 * 2 ** 20 }),
  ) as BillOfMaterials
  const names = listLicensedPackages(readFileSync('dist/licenses.txt', 'utf8'))
  console.log(JSON.stringify(selectPackages(bom, names), null, 2))
}

if (import.meta.main) main()
