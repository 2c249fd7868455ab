/**
 * What step release works on: the release, its Service, and the type that the Service should have.
 */
import { findValuesPath, serviceTypePath } from '../../clients/helm/milvus-chart.ts'
import type { ServiceType, Settings } from '../../inputs/types.ts'
import type { MilvusService } from '../preflight/target.ts'
import type { Release, Target } from '../preflight/preflight.ts'

/** The release and its Service. */
export type ReleaseTarget = Pick<Target, 'namespace' | 'release' | 'manager'> & {
  readonly service: MilvusService
}

/** The type that the Service should have: ClusterIP, unless a removal restores another one. */
export const desiredServiceType = ({ serviceType = 'ClusterIP' }: Settings): ServiceType =>
  serviceType

/**
 * The path of the value that sets the type of the Service: `service.type`, longer where Milvus is a
 * subchart.
 */
export const getServiceTypePath = (release: Release, service: string): readonly string[] =>
  serviceTypePath(findValuesPath(release.deployedRevision, service))
