/** Elastic Load Balancing, version 2015-12-01: the service, and the tags of its resources. */
import { listenerOperations } from './elbv2-listeners.ts'
import { loadBalancerOperations } from './elbv2-load-balancers.ts'
import { buildArn, createElbError, findTaggedResource } from './elbv2-lookup.ts'
import { trustStoreOperations } from './elbv2-mutual-tls.ts'
import { ruleOperations } from './elbv2-rules.ts'
import { targetGroupOperations } from './elbv2-target-groups.ts'
import { toTagList, readTags, getString, getStringList, type Fields } from './fields.ts'
import type { Operation, AwsService } from './service.ts'

const maxTags = 50

const tagOperations: Record<string, Operation> = {
  DescribeTags: ({ input, state }) => ({
    TagDescriptions: getStringList(input, 'ResourceArns').map((ResourceArn) => ({
      ResourceArn,
      Tags: toTagList(findTaggedResource(state, ResourceArn).tags),
    })),
  }),
  AddTags: ({ input, state }) => {
    const newTags = readTags(input)
    const resources = getStringList(input, 'ResourceArns').map((arn) =>
      findTaggedResource(state, arn),
    )
    if (
      resources.some(
        (taggedResource) =>
          new Set([...taggedResource.tags.keys(), ...newTags.keys()]).size > maxTags,
      )
    ) {
      throw createElbError(
        'TooManyTags',
        'The maximum number of tags for the resource has been reached',
      )
    }
    for (const taggedResource of resources)
      for (const [key, value] of newTags) taggedResource.tags.set(key, value)
    return {}
  },
  RemoveTags: ({ input, state }) => {
    const resources = getStringList(input, 'ResourceArns').map((arn) =>
      findTaggedResource(state, arn),
    )
    for (const taggedResource of resources)
      for (const key of getStringList(input, 'TagKeys')) taggedResource.tags.delete(key)
    return {}
  },
}

/**
 * The resource that IAM checks for an operation; there are none for the Describe operations
 * (service authorization reference).
 */
function resource(operation: string, input: Fields, fallback: string): string {
  if (operation.startsWith('Describe')) return '*'
  const namedArn = ['RuleArn', 'ListenerArn', 'LoadBalancerArn', 'TargetGroupArn']
    .map((member) => getString(input, member))
    .find((arn) => arn !== undefined)
  return namedArn ?? getStringList(input, 'ResourceArns')[0] ?? fallback
}

/** The resource types that Create operations without a parent create, as in ARNs. */
const createdResourceTypes: Readonly<Record<string, string>> = {
  CreateLoadBalancer: 'loadbalancer/app',
  CreateTargetGroup: 'targetgroup',
}

/** Elastic Load Balancing. */
export const elbv2: AwsService = {
  logName: 'elbv2',
  name: 'elasticloadbalancing',
  protocol: 'query',
  namespace: 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/',
  getResource: (operation, { input, state }) => {
    const type = createdResourceTypes[operation] ?? '*'
    return resource(
      operation,
      input,
      buildArn(state, `${type}/${getString(input, 'Name') ?? ''}/*`),
    )
  },
  // Creating a resource with tags also needs the permission to tag (user guide, "Grant permission
  // to tag resources").
  additionalActions: (operation, input) =>
    operation.startsWith('Create') && readTags(input).size > 0 ? ['AddTags'] : [],
  operations: {
    ...loadBalancerOperations,
    ...listenerOperations,
    ...ruleOperations,
    ...targetGroupOperations,
    ...trustStoreOperations,
    ...tagOperations,
  },
}
