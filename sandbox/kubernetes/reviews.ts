/** Reviews: a caller asks what it may do, or who it is. */
import { resources, verbs, type Resource } from './resources.ts'
import { at, fields, text, type Authorize, type Identity, type Json, type JsonObject } from './types.ts'

/** Answers a review. */
export async function review(kind: Resource, body: JsonObject, identity: Identity, authorize: Authorize): Promise<JsonObject> {
  const spec = fields(body['spec'])
  const head: JsonObject = { kind: kind.kind, apiVersion: `${kind.group}/${kind.version}`, metadata: { creationTimestamp: null } }
  switch (kind.kind) {
    case 'SelfSubjectReview': return { ...head, status: { userInfo: { username: identity.username, groups: [...identity.groups] } } }
    case 'SelfSubjectRulesReview': return { ...head, spec, status: await rules(text(spec['namespace']), identity, authorize) }
    default: return { ...head, spec, status: await access(spec, identity, authorize) }
  }
}

async function access(spec: JsonObject, identity: Identity, authorize: Authorize): Promise<JsonObject> {
  const asked = (field: string): string => text(at(spec, 'resourceAttributes', field))
  // Paths such as /version are everybody's who is known.
  if (spec['resourceAttributes'] === undefined) return { allowed: true, reason: 'RBAC: allowed by ClusterRoleBinding "system:discovery"' }
  const allowed = await authorize(identity, {
    verb: asked('verb'), group: asked('group'), resource: asked('resource'), subresource: asked('subresource'), namespace: asked('namespace'), name: asked('name'),
  })
  return allowed ? { allowed } : { allowed, reason: '' }
}

/** One rule for each resource. Rules that hold for single names do not show here. */
async function rules(namespace: string, identity: Identity, authorize: Authorize): Promise<JsonObject> {
  const resourceRules: Json[] = []
  for (const { group, plural, namespaced } of resources) {
    const granted: string[] = []
    for (const verb of verbs) {
      const attributes = { verb, group, resource: plural, subresource: '', namespace: namespaced ? namespace : '', name: '' }
      if (await authorize(identity, attributes)) granted.push(verb)
    }
    if (granted.length > 0) resourceRules.push({ verbs: granted, apiGroups: [group], resources: [plural] })
  }
  return { resourceRules, nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*', '/version'] }], incomplete: false }
}
