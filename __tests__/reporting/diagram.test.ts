import { describe, expect, test } from '@jest/globals'
import { ActionError, combineErrors } from '../../src/failures/action-error.ts'
import type { FailureCode, StepName } from '../../src/failures/codes.ts'
import type { OutputName } from '../../src/steps/outputs.ts'
import type { Topology } from '../../src/steps/step.ts'
import { renderDiagram, escapeLabel } from '../../src/reporting/diagram.ts'
import { createSettings } from '../steps/fixtures.ts'

const topology: Topology = {
  loadBalancerName: 'k8s-milvus-demo',
  targetGroup: 'k8s-milvus-group',
  service: { name: 'milvus-demo', port: 19530 },
  pods: { ready: 2, total: 3 },
}
const outputs = new Map<OutputName, string>([
  ['alb-address', 'k8s-milvus-demo-1.us-east-2.elb.amazonaws.com'],
  ['milvus-version', 'v2.6.15'],
])

const restRoute: Topology = {
  restService: 'milvus-demo-rest',
  restTargetGroup: 'k8s-milvus-rest',
}

const createError = (code: FailureCode, step: StepName): ActionError =>
  new ActionError({ code, problem: 'p', remedy: 'r', step })

describe('escapeLabel', () => {
  test.each([
    ['milvus.example.com:443', 'milvus.example.com:443'],
    ['"]; click a "javascript:b"', '#34;#93;#59; click a #34;javascript:b#34;'],
    ['<b>', '#60;b#62;'],
    ['two\nlines', 'two lines'],
    ['`#', '#96;#35;'],
  ])('%j', (text, expected) => {
    expect(escapeLabel(text)).toBe(expected)
  })
})

describe('renderDiagram', () => {
  test('names every part of the route', () => {
    const text = renderDiagram(topology, outputs, createSettings(), undefined)
    for (const name of [
      'milvus.example.com:443',
      'ALB k8s-milvus-demo (internet-facing)',
      'HTTPS listener 443',
      'target group k8s-milvus-group (GRPC, ip)',
      'Service milvus-demo:19530<br>2 of 3 pods ready<br>Milvus v2.6.15',
      'group --> milvus',
    ])
      expect(text).toContain(name)
  })

  describe('with the RESTful API', () => {
    const render = (error?: ActionError, restTopology: Topology = restRoute): string =>
      renderDiagram({ ...topology, ...restTopology }, outputs, createSettings(), error)

    test('draws its route beside that of gRPC', () => {
      expect(render().split('\n')).toEqual(
        expect.arrayContaining([
          '    listener["HTTPS listener 443"] --> group["target group k8s-milvus-group (GRPC, ip)"]',
          '    listener -->|"RESTful API"| rest["target group k8s-milvus-rest (HTTP1, ip)"]',
          '  group --> milvus',
          '  rest -->|"Service milvus-demo-rest"| milvus',
        ]),
      )
    })

    test('marks only its link when it does not answer', () => {
      const text = render(createError('probe-rest-failed', 'probe'))
      expect(text).toContain('group --> milvus')
      expect(text).toContain('rest -. "Service milvus-demo-rest<br>probe-rest-failed" .-x milvus')
      expect(text.match(/style \w+/g)).toEqual(['style rest'])
    })

    test('marks nothing that is not drawn', () => {
      const text = render(createError('probe-rest-failed', 'probe'), {})
      expect(text).not.toMatch(/-x|style|rest/)
    })
  })

  test('marks the broken link after a failed probe', () => {
    const text = renderDiagram(
      topology,
      outputs,
      createSettings(),
      new ActionError({ code: 'probe-no-targets', problem: 'p', remedy: 'r', step: 'probe' }),
    )
    expect(text).toContain('group -. "probe-no-targets" .-x milvus')
    expect(text).not.toContain('group --> milvus')
  })

  test.each<{ code: FailureCode; link: string; node: string }>([
    {
      code: 'probe-dns-failed',
      link: 'client(["client"]) -. "gRPC over TLS, milvus.example.com:443<br>probe-dns-failed" .-x listener',
      node: 'listener',
    },
    { code: 'probe-unreachable', link: '<br>probe-unreachable" .-x listener', node: 'listener' },
    { code: 'probe-tls-failed', link: '<br>probe-tls-failed" .-x listener', node: 'listener' },
    { code: 'probe-not-routed', link: '-. "probe-not-routed" .-x group["', node: 'group' },
    {
      code: 'probe-certificate-untrusted',
      link: '<br>probe-certificate-untrusted" .-x listener',
      node: 'listener',
    },
    {
      code: 'milvus-unhealthy',
      link: 'group -. "milvus-unhealthy" .-x milvus',
      node: 'milvus',
    },
    {
      code: 'probe-target-failed',
      link: 'group -. "probe-target-failed" .-x milvus',
      node: 'milvus',
    },
  ])('marks only the link that $code breaks', ({ code, link, node }) => {
    const error = new ActionError({ code, problem: 'p', remedy: 'r', step: 'probe' })
    const text = renderDiagram(topology, outputs, createSettings(), error)
    expect(text).toContain(link)
    expect(text.match(/\.-x/g)).toHaveLength(1)
    expect(text.match(/style \w+/g)).toEqual([`style ${node}`])
  })

  test.each<{ code: FailureCode; step: StepName }>([
    { code: 'drift-found', step: 'load-balancer' },
    { code: 'cancelled', step: 'probe' },
    { code: 'aws-access-denied', step: 'load-balancer' },
    { code: 'milvus-authorization-off', step: 'probe' },
  ])('marks no link for $code in $step', ({ code, step }) => {
    const text = renderDiagram(topology, outputs, createSettings(), createError(code, step))
    expect(text).not.toMatch(/-x|style/)
    expect(text).toContain('group --> milvus')
  })

  test('marks the link that a failure of the probe breaks, whatever else a check found', () => {
    const error = combineErrors([
      createError('probe-tls-failed', 'probe'),
      createError('certificate-expired', 'certificate'),
      createError('drift-found', 'ingress'),
    ])
    expect(error.code).toBe('certificate-expired')
    expect(renderDiagram(topology, outputs, createSettings(), error)).toContain(
      '<br>probe-tls-failed" .-x listener',
    )
  })

  test.each<{
    name: string
    partialTopology: Topology
    outputValues: ReadonlyMap<OutputName, string>
  }>([
    { name: 'an ALB', partialTopology: topology, outputValues: new Map() },
    {
      name: 'an ALB after a rollback',
      partialTopology: topology,
      outputValues: new Map([['alb-address', '']]),
    },
    { name: 'a Service', partialTopology: {}, outputValues: outputs },
  ])('is empty without $name', ({ partialTopology, outputValues }) => {
    expect(renderDiagram(partialTopology, outputValues, createSettings(), undefined)).toBe('')
  })
})
