import { describe, expect, test } from '@jest/globals'
import { getAddresses } from '../../../src/steps/ingress/manifest.ts'
import { ingress } from '../fixtures.ts'

describe('the addresses in the status of an Ingress', () => {
  const alb = 'k8s-milvus-1.us-east-2.elb.amazonaws.com'
  const nlb = 'k8s-milvus-1-nlb-2.elb.us-east-2.amazonaws.com'
  test.each<{ name: string; hostnames: string[]; expected: ReturnType<typeof getAddresses> }>([
    { name: 'none', hostnames: [], expected: undefined },
    { name: 'an ALB', hostnames: [alb], expected: { alb, nlb: undefined } },
    { name: 'an ALB and an NLB', hostnames: [alb, nlb], expected: { alb, nlb } },
    { name: 'a command', hostnames: ['$(id)'], expected: undefined },
    { name: 'several lines', hostnames: [`${alb}\nx`], expected: undefined },
    { name: 'an ALB and a command', hostnames: [alb, '`id`'], expected: { alb, nlb: undefined } },
  ])('$name', ({ hostnames, expected }) => {
    const entries = hostnames.map((hostname) => ({ hostname }))
    const live = { ...ingress({}), status: { loadBalancer: { ingress: entries } } }
    expect(getAddresses(live)).toEqual(expected)
  })
})
