/** The tag that marks a certificate in ACM as imported by this action for one target. */
import type { EndpointSettings } from '../../inputs/types.ts'
import type { Target } from '../preflight/preflight.ts'

export const ownerTagKey = 'milvus-alb-action/target'

/** `<uid of the namespace>/<name of the Ingress>`: unique across clusters. */
export const formatOwnerTag = ({
  namespace,
  ingressName,
}: Pick<Target, 'namespace' | 'ingressName'>): string => `${namespace.uid}/${ingressName}`

/** The tags of a new certificate: those of input tags, the owner, and three for people. */
export function buildTags(
  { ingress, clusterAccess, namespace, host }: EndpointSettings,
  ownerTag: string,
): Record<string, string> {
  const tags: Record<string, string> = { ...ingress.tags, [ownerTagKey]: ownerTag }
  if (clusterAccess.kind === 'eks') tags['milvus-alb-action/cluster'] = clusterAccess.cluster
  tags['milvus-alb-action/namespace'] = namespace
  tags['milvus-alb-action/host'] = host
  return tags
}
