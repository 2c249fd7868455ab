/** Reviews: a caller requests its permissions or its identity. */
import { resources, supportedVerbs, type Resource } from './resources.ts'
import {
  getIn,
  asObject,
  asString,
  type Authorize,
  type Identity,
  type Json,
  type JsonObject,
} from './types.ts'

/** Answers a review. */
export async function answerReview(
  kind: Resource,
  body: JsonObject,
  identity: Identity,
  authorize: Authorize,
): Promise<JsonObject> {
  const spec = asObject(body['spec'])
  const base: JsonObject = {
    kind: kind.kind,
    apiVersion: `${kind.group}/${kind.version}`,
    metadata: { creationTimestamp: null },
  }
  switch (kind.kind) {
    case 'SelfSubjectReview':
      return {
        ...base,
        status: { userInfo: { username: identity.username, groups: [...identity.groups] } },
      }
    case 'SelfSubjectRulesReview':
      return {
        ...base,
        spec,
        status: await listRules(asString(spec['namespace']), identity, authorize),
      }
    default:
      return { ...base, spec, status: await checkAccess(spec, identity, authorize) }
  }
}

async function checkAccess(
  spec: JsonObject,
  identity: Identity,
  authorize: Authorize,
): Promise<JsonObject> {
  const getAttribute = (field: string): string => asString(getIn(spec, 'resourceAttributes', field))
  // Every authenticated user may read paths such as /version.
  if (spec['resourceAttributes'] === undefined)
    return { allowed: true, reason: 'RBAC: allowed by ClusterRoleBinding "system:discovery"' }
  const allowed = await authorize(identity, {
    verb: getAttribute('verb'),
    group: getAttribute('group'),
    resource: getAttribute('resource'),
    subresource: getAttribute('subresource'),
    namespace: getAttribute('namespace'),
    name: getAttribute('name'),
  })
  return allowed ? { allowed } : { allowed, reason: '' }
}

/** One rule per resource, without rules that are limited to names. */
async function listRules(
  namespace: string,
  identity: Identity,
  authorize: Authorize,
): Promise<JsonObject> {
  const resourceRules: Json[] = []
  for (const { group, plural, isNamespaced: namespaced } of resources) {
    const grantedVerbs: string[] = []
    for (const verb of supportedVerbs) {
      const attributes = {
        verb,
        group,
        resource: plural,
        subresource: '',
        namespace: namespaced ? namespace : '',
        name: '',
      }
      if (await authorize(identity, attributes)) grantedVerbs.push(verb)
    }
    if (grantedVerbs.length > 0)
      resourceRules.push({ verbs: grantedVerbs, apiGroups: [group], resources: [plural] })
  }
  return {
    resourceRules,
    nonResourceRules: [
      { verbs: ['get'], nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*', '/version'] },
    ],
    incomplete: false,
  }
}
