/** Which targets of a file a pull request changes. Pure, except for the event of the run. */
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { parseJson } from '../../util/json.ts'
import { getConcurrencyGroup } from './matrix.ts'
import type { FleetTarget } from './targets.ts'

/** A target of the base branch that is deployed, and that the pull request no longer describes. */
export interface AbandonedTarget {
  readonly name: string
  /** Absent when no other target describes the same Ingress. */
  readonly newName?: string
  /** Whether a target of this name is still there, and describes another Ingress. */
  readonly isMoved: boolean
}

/** What a pull request changes in a targets file. */
export interface TargetComparison {
  /** Targets that are new, or whose resolved inputs, role, environment or runner differ. */
  readonly changed: readonly FleetTarget[]
  readonly abandoned: readonly AbandonedTarget[]
}

/** @param baseTargets those of the base branch */
export function compareTargets(
  targets: readonly FleetTarget[],
  baseTargets: readonly FleetTarget[],
): TargetComparison {
  const baseTargetsByName = new Map(baseTargets.map((target) => [target.name, target]))
  const namesByIngress = new Map(targets.map((target) => [getIngressKey(target), target.name]))
  const names = new Set(targets.map(({ name }) => name))
  return {
    changed: targets.filter(
      (target) => !isDeepStrictEqual(target, baseTargetsByName.get(target.name)),
    ),
    abandoned: baseTargets.flatMap((target) => {
      const { name } = target
      const newName = namesByIngress.get(getIngressKey(target))
      if (newName === name) return []
      return [{ name, ...(newName !== undefined && { newName }), isMoved: names.has(name) }]
    }),
  }
}

/** Identifies what a target deploys: another role of the same account deploys the same. */
function getIngressKey({ roleToAssume, inputs }: FleetTarget): string {
  const account = roleToAssume.split(':')[4] ?? ''
  const release = getConcurrencyGroup({ roleToAssume: account, inputs })
  return JSON.stringify([release, inputs['ingress-name'] ?? ''])
}

/**
 * Whether the run belongs to a pull request of a fork. Its workflow has no secrets, and its token
 * can only read. Source: GitHub, Events that trigger workflows, pull_request.
 * @param env of the runner
 */
export function isFromFork(env: NodeJS.ProcessEnv): boolean {
  const path = env['GITHUB_EVENT_PATH']
  const event = (path ? parseJson(readFileSync(path, 'utf8')) : undefined) as Event | undefined
  if (!event?.pull_request) return false
  // The repository of a fork may have been deleted.
  return event.pull_request.head?.repo?.full_name !== env['GITHUB_REPOSITORY']
}

interface Event {
  readonly pull_request?: {
    readonly head?: { readonly repo?: { readonly full_name?: string } | null }
  }
}
