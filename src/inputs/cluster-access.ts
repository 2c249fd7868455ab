/** How to reach the cluster, and in which region it is. Pure. */
import { delimiter } from 'node:path'
import type { ActionError } from '../failures/action-error.ts'
import { clusterMissing, regionMissing, regionVariableInvalid } from '../failures/inputs.ts'
import { InvalidInputError } from './invalid-input.ts'
import { parseRegion } from './names.ts'
import type { ParsedInputs } from './parse-inputs.ts'
import type { ClusterAccess, Settings, SettingsEnvironment } from './types.ts'

/** A value, or why there is none; neither if an input that it depends on is invalid. */
export interface Resolved<T> {
  readonly value?: T
  readonly errors: readonly ActionError[]
}

/** The access that the inputs and KUBECONFIG describe. */
export function resolveClusterAccess(
  { values, isSet }: ParsedInputs,
  env: SettingsEnvironment,
): Resolved<ClusterAccess> {
  const { cluster, kubeconfig, context } = values
  if (isSet('cluster'))
    return cluster === undefined ? { errors: [] } : { value: { kind: 'eks', cluster }, errors: [] }
  if (isSet('kubeconfig') && kubeconfig === undefined) return { errors: [] }
  const paths = (kubeconfig ?? env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '')
  if (paths.length === 0) return { errors: [clusterMissing()] }
  return { value: { kind: 'kubeconfig', paths, context }, errors: [] }
}

/** The region in the input, or in the first variable that is set. */
export function resolveRegion(
  { values, isSet }: ParsedInputs,
  env: SettingsEnvironment,
): Resolved<string> {
  if (values.region !== undefined) return { value: values.region, errors: [] }
  if (isSet('region')) return { errors: [] }
  const variable = (['AWS_REGION', 'AWS_DEFAULT_REGION'] as const).find((name) => env[name])
  if (variable === undefined) return { errors: [regionMissing()] }
  try {
    return { value: parseRegion(env[variable] ?? ''), errors: [] }
  } catch (thrown) {
    if (!(thrown instanceof InvalidInputError)) throw thrown
    return { errors: [regionVariableInvalid(variable, thrown)] }
  }
}

/** @returns the name of the EKS cluster; undefined when a kubeconfig selects the cluster */
export const getClusterName = ({ clusterAccess }: Settings): string | undefined =>
  clusterAccess.kind === 'eks' ? clusterAccess.cluster : undefined
