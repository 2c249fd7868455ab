/** Elastic Load Balancing, version 2015-12-01: the service, and the tags of everything in it. */
import { listenerOperations } from './elbv2-listeners.ts'
import { loadBalancerOperations } from './elbv2-load-balancers.ts'
import { refuse, taggedOf } from './elbv2-lookup.ts'
import { ruleOperations } from './elbv2-rules.ts'
import { targetGroupOperations } from './elbv2-target-groups.ts'
import type { Fields } from './fields.ts'
import { tagList, tags, text, texts } from './fields.ts'
import type { Operation, Service } from './service.ts'

const maxTags = 50

const tagOperations: Record<string, Operation> = {
  DescribeTags: ({ input, state }) => ({
    TagDescriptions: texts(input, 'ResourceArns').map((ResourceArn) => ({ ResourceArn, Tags: tagList(taggedOf(state, ResourceArn).tags) })),
  }),
  AddTags: ({ input, state }) => {
    const added = tags(input)
    const resources = texts(input, 'ResourceArns').map((arn) => taggedOf(state, arn))
    if (resources.some((held) => new Set([...held.tags.keys(), ...added.keys()]).size > maxTags)) {
      throw refuse('TooManyTags', 'The maximum number of tags for the resource has been reached')
    }
    for (const held of resources) for (const [key, value] of added) held.tags.set(key, value)
    return {}
  },
  RemoveTags: ({ input, state }) => {
    const resources = texts(input, 'ResourceArns').map((arn) => taggedOf(state, arn))
    for (const held of resources) for (const key of texts(input, 'TagKeys')) held.tags.delete(key)
    return {}
  },
}

/** What IAM checks a change against; it has no resources for the Describe operations (service authorization reference). */
function resource(operation: string, input: Fields, fallback: string): string {
  if (operation.startsWith('Describe')) return '*'
  const named = ['RuleArn', 'ListenerArn', 'LoadBalancerArn', 'TargetGroupArn'].map((member) => text(input, member)).find((arn) => arn !== undefined)
  return named ?? texts(input, 'ResourceArns')[0] ?? fallback
}

/** ARNs of what a Create operation without a parent is about to make. */
const madeBy: Readonly<Record<string, string>> = { CreateLoadBalancer: 'loadbalancer/app', CreateTargetGroup: 'targetgroup' }

/** The service. */
export const elbv2: Service = {
  part: 'elbv2',
  name: 'elasticloadbalancing',
  protocol: 'query',
  namespace: 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/',
  resource: (operation, { input, state }) => resource(operation, input,
    `arn:aws:elasticloadbalancing:${state.region}:${state.account}:${madeBy[operation] ?? '*'}/${text(input, 'Name') ?? ''}/*`),
  // Making something with tags takes the right to tag as well (user guide, "Grant permission to tag resources").
  needs: (operation, input) => operation.startsWith('Create') && tags(input).size > 0 ? ['AddTags'] : [],
  operations: { ...loadBalancerOperations, ...listenerOperations, ...ruleOperations, ...targetGroupOperations, ...tagOperations },
}
