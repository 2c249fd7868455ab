/**
 * The first line of a run's log, which its summary repeats: what it does, where, in which version.
 * Pure.
 */
import type { ClusterAccess, RunSettings } from '../inputs/types.ts'

/**
 * `milvus-alb-action 1.2.0 (v1): deploy, host milvus.example.com, namespace milvus, cluster
 * production, us-east-2`
 * @param ref under which the workflow uses the action: a tag or a commit
 * @param settings undefined when they could not be read
 */
export function describeRun(
  version: string,
  ref: string | undefined,
  settings: RunSettings | undefined,
): string {
  const action = `milvus-alb-action ${version}${ref ? ` (${ref})` : ''}`
  if (!settings) return action
  const { mode, dryRun, namespace, release, service, clusterAccess, region } = settings
  const parts = [dryRun ? `dry run of ${mode}` : mode]
  if (settings.mode !== 'destroy') parts.push(`host ${settings.host}`)
  parts.push(`namespace ${namespace}`)
  if (release !== undefined) parts.push(`release ${release}`)
  if (service !== undefined) parts.push(`Service ${service}`)
  parts.push(describeCluster(clusterAccess), region)
  return `${action}: ${parts.join(', ')}`
}

function describeCluster(access: ClusterAccess): string {
  if (access.kind === 'eks') return `cluster ${access.cluster}`
  return access.context === undefined
    ? 'the current context of the kubeconfig'
    : `context ${access.context} of the kubeconfig`
}
