/** Notes about what step release does not change, and about what it restored. */
import * as paths from '../../clients/kubernetes/paths.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import type { Target } from '../preflight/preflight.ts'
import type { ClusterRun, Run } from '../run.ts'
import type { ReleaseDifference } from './differences.ts'

/** Logs which parts of the release are not changed, and who has to change them. */
export function logReleaseNotes(
  { context, settings: { cutover } }: Pick<Run, 'context' | 'settings'>,
  { release, unreadableReleaseName, service, manager }: Target,
  differences: readonly ReleaseDifference[],
): void {
  const releaseName = release?.latestRevision.name ?? unreadableReleaseName
  const isManaged = cutover !== 'never' && releaseName !== undefined
  if (!isManaged && service.type !== 'ClusterIP')
    context.log.note(
      `Service ${service.name} is of type ${service.type}, and is not changed. Set it to ` +
        'ClusterIP where it is managed, once nothing uses its own load balancer any more.',
    )
  if (!isManaged) return
  if (manager)
    context.log.note(
      `Service ${service.name} of release ${releaseName} is managed by ${manager.tool} ` +
        `(${manager.owner}), and needs no change. Change the release there.`,
    )
  if (!release) return
  const { name, revision, status } = release.latestRevision
  if (status !== 'deployed' && differences.length === 0)
    context.log.note(
      `Revision ${revision} of release ${name} is ${status}, and is not changed: this action did ` +
        'not create it, and its Service needs no change.',
    )
}

/**
 * Logs what type the Service has after a removal. A load balancer of its own has a new name.
 * @returns a phrase for the step's line
 */
export async function reportRestoredService(
  { context, settings: { namespace }, clients }: ClusterRun,
  name: string,
): Promise<string> {
  const service = await clients.kubernetes.get<Service>(
    paths.servicePath(namespace, name),
    `read Service ${name}`,
  )
  if (service?.spec.type === 'LoadBalancer') {
    const address =
      service.status?.loadBalancer?.ingress?.[0]?.hostname ??
      `its name is not known yet ("kubectl -n ${namespace} get service ${name}")`
    context.log.note(
      `Service ${name} has a load balancer of its own: ${address}. Point the DNS record at it.`,
    )
  }
  return `Service ${name} is of type ${service?.spec.type ?? 'unknown'}`
}
