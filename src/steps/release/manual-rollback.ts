/** The command with which a person rolls a release back. */
import { parseChartReference } from '../../clients/helm/chart-reference.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release } from '../preflight/preflight.ts'

/**
 * The quoted command that rolls a release back to its deployed revision. It is not `helm rollback`,
 * which may fail, and restarts what charts render differently at installation:
 * docs/decisions/cutover-and-rollback.md. Nor is it a pipe: if its first command failed, the second
 * one would reset all values.
 */
export function formatManualRollback(
  { namespace, chart }: Settings,
  { deployedRevision }: Release,
): string {
  const { name, revision } = deployedRevision
  const file = `${name}-revision-${revision}.yaml`
  const readValues = `helm get values ${name} -n ${namespace} --revision ${revision} -o yaml`
  const source = formatChartArguments(chart, deployedRevision.chart.version)
  const upgrade = `helm upgrade ${name} ${source} -n ${namespace} --reset-values -f ${file}`
  return `"${readValues} > ${file} && ${upgrade}"`
}

function formatChartArguments({ name, repository }: Settings['chart'], version: string): string {
  const reference = parseChartReference(name)
  switch (reference.kind) {
    case 'repository':
      return `${name} --repo ${repository} --version ${version}`
    case 'registry':
      return `${reference.repository} --version ${version}`
    case 'path-or-alias':
      return `${name} --version ${version}`
    case 'archive':
    case 'path':
      return name
  }
}
