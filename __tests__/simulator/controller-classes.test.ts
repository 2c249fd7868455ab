import { describe, expect, test } from '@jest/globals'
import {
  resolveGroup,
  getFinalizerGroups,
  isRelevantChange,
  applyClassParams,
} from '../../simulator/alb-controller/ingress-classes.ts'
import type { Ingress } from '../../simulator/alb-controller/objects.ts'
import { PREFIX, ingress } from './controller-objects.ts'

describe('classes and groups', () => {
  const findClass = (
    name: string,
  ): { metadata: { name: string }; spec: { controller: string } } | undefined =>
    ({ alb: 'ingress.k8s.aws/alb', auto: 'eks.amazonaws.com/alb' })[name] === undefined
      ? undefined
      : {
          metadata: { name },
          spec: { controller: name === 'alb' ? 'ingress.k8s.aws/alb' : 'eks.amazonaws.com/alb' },
        }
  const createIngress = (className: string, annotations: Record<string, string> = {}): Ingress => ({
    metadata: { name: 'ing', namespace: 'ns', annotations },
    spec: { ingressClassName: className },
  })

  test.each<{ name: string; member: Ingress; group: unknown }>([
    {
      name: 'an IngressClass of the controller',
      member: createIngress('alb'),
      group: { namespace: 'ns', name: 'ing' },
    },
    {
      name: 'an IngressClass of another controller',
      member: createIngress('auto'),
      group: undefined,
    },
    {
      name: 'the legacy annotation, which takes precedence',
      member: createIngress('auto', { 'kubernetes.io/ingress.class': 'alb' }),
      group: { namespace: 'ns', name: 'ing' },
    },
    {
      name: 'an explicit group',
      member: createIngress('alb', { [`${PREFIX}group.name`]: 'shared' }),
      group: { namespace: '', name: 'shared' },
    },
  ])('$name', ({ member, group }) => {
    expect(resolveGroup(member, findClass, 'alb')).toEqual(group)
  })

  test('rejects a missing IngressClass and an invalid group name', () => {
    expect(() => resolveGroup(createIngress('nope'), findClass, 'alb')).toThrow(
      'invalid ingress class: IngressClass.networking.k8s.io "nope" not found',
    )
    expect(() =>
      resolveGroup(createIngress('alb', { [`${PREFIX}group.name`]: 'No' }), findClass, 'alb'),
    ).toThrow('invalid ingress group: groupName must consist of')
  })

  test('finalizers identify the groups of an Ingress', () => {
    const ingressWithFinalizers: Ingress = {
      metadata: {
        name: 'ing',
        namespace: 'ns',
        finalizers: ['ingress.k8s.aws/resources', 'group.ingress.k8s.aws/shared', 'other'],
      },
    }
    expect(getFinalizerGroups(ingressWithFinalizers)).toEqual([
      { namespace: 'ns', name: 'ing' },
      { namespace: '', name: 'shared' },
    ])
  })

  test('IngressClassParams take precedence, and attributes are merged', () => {
    const params = {
      metadata: { name: 'p' },
      spec: { scheme: 'internal', loadBalancerAttributes: [{ key: 'b', value: '2' }] },
    }
    const { annotations } = applyClassParams(
      ingress({ scheme: 'internet-facing', 'load-balancer-attributes': 'a=1' }),
      params,
    ).metadata
    expect(annotations).toEqual({
      [`${PREFIX}scheme`]: 'internal',
      [`${PREFIX}load-balancer-attributes`]: 'a=1,b=2',
    })
  })

  test('only a change of annotations is relevant, not one of the status', () => {
    const before = ingress({})
    const written: Ingress = { ...before, status: { loadBalancer: {} } }
    expect(isRelevantChange(written, before)).toBe(false)
    expect(isRelevantChange(ingress({ scheme: 'internal' }), before)).toBe(true)
  })
})
