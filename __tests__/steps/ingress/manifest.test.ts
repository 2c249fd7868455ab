import { describe, expect, test } from '@jest/globals'
import {
  parseCertificateArns,
  buildIngressManifest,
  diffIngress,
  reconcileRequestAnnotation,
} from '../../../src/steps/ingress/manifest.ts'
import type { IngressSettings } from '../../../src/inputs/types.ts'
import { certificateArn, host, ingress, createSettings } from '../fixtures.ts'

const annotationKey = (name: string): string => `alb.ingress.kubernetes.io/${name}`
const backend = { name: 'milvus-demo', service: 'milvus-svc', port: 19530, restService: undefined }
const buildIngress = (
  overrides: Partial<IngressSettings> = {},
  reconcileRequestedAt?: string,
): ReturnType<typeof buildIngressManifest> =>
  buildIngressManifest(createSettings({ ingress: overrides }), backend, reconcileRequestedAt)

const defaultAnnotations = {
  [annotationKey('scheme')]: 'internet-facing',
  [annotationKey('backend-protocol-version')]: 'GRPC',
  [annotationKey('target-type')]: 'ip',
  [annotationKey('listen-ports')]: '[{"HTTPS":443}]',
  [annotationKey('ssl-policy')]: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
  [annotationKey('load-balancer-attributes')]: 'idle_timeout.timeout_seconds=600',
}

test('builds the Ingress of the guide, without its certificate', () => {
  expect(buildIngress()).toEqual({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: 'milvus-demo', namespace: 'milvus', annotations: defaultAnnotations },
    spec: {
      ingressClassName: 'alb',
      rules: [
        {
          host,
          http: {
            paths: [
              {
                path: '/',
                pathType: 'Prefix',
                backend: { service: { name: 'milvus-svc', port: { number: 19530 } } },
              },
            ],
          },
        },
      ],
    },
  })
})

describe('what each setting changes', () => {
  const attributes = annotationKey('load-balancer-attributes')
  test.each<[string, Partial<IngressSettings>, Record<string, string>]>([
    ['scheme', { scheme: 'internal' }, { [annotationKey('scheme')]: 'internal' }],
    [
      'listen port',
      { listenPort: 19530 },
      { [annotationKey('listen-ports')]: '[{"HTTPS":19530}]' },
    ],
    [
      'ssl policy',
      { sslPolicy: 'ELBSecurityPolicy-X' },
      { [annotationKey('ssl-policy')]: 'ELBSecurityPolicy-X' },
    ],
    ['idle timeout', { idleTimeout: 4000 }, { [attributes]: 'idle_timeout.timeout_seconds=4000' }],
    [
      'CIDR blocks',
      { inboundCidrs: ['10.0.0.0/8', '::/0'] },
      { [annotationKey('inbound-cidrs')]: '10.0.0.0/8,::/0' },
    ],
    [
      'subnets',
      { subnets: ['subnet-1', 'subnet-2'] },
      { [annotationKey('subnets')]: 'subnet-1,subnet-2' },
    ],
    [
      'security groups',
      { securityGroups: ['sg-1'] },
      { [annotationKey('security-groups')]: 'sg-1' },
    ],
    [
      'name of the load balancer',
      { loadBalancerName: 'front' },
      { [annotationKey('load-balancer-name')]: 'front' },
    ],
    ['group', { groupName: 'shared' }, { [annotationKey('group.name')]: 'shared' }],
    [
      'tags, with escaped commas',
      { tags: { team: 'search', note: 'a,b=c' } },
      { [annotationKey('tags')]: 'team=search,note=a\\,b=c' },
    ],
    [
      'an annotation of the user',
      { annotations: { 'example.com/owner': 'me' } },
      { 'example.com/owner': 'me' },
    ],
    [
      'attributes of the user, beside the idle timeout',
      { annotations: { [attributes]: 'deletion_protection.enabled=true' } },
      { [attributes]: 'idle_timeout.timeout_seconds=600,deletion_protection.enabled=true' },
    ],
    [
      'empty attributes of the user',
      { annotations: { [attributes]: '' } },
      { [attributes]: 'idle_timeout.timeout_seconds=600' },
    ],
  ])('%s', (_, overrides, changedAnnotations) => {
    expect(buildIngress(overrides).metadata.annotations).toEqual({
      ...defaultAnnotations,
      ...changedAnnotations,
    })
  })

  test('ingress class', () => {
    expect(buildIngress({ className: 'alb.internal' }).spec.ingressClassName).toBe('alb.internal')
  })

  test('keeps a reconcile request', () => {
    expect(buildIngress({}, '2026-01-01T00:00:00Z').metadata.annotations).toEqual({
      ...defaultAnnotations,
      [reconcileRequestAnnotation]: '2026-01-01T00:00:00Z',
    })
  })
})

describe('diffIngress', () => {
  const desired = buildIngress()
  const [rule] = desired.spec.rules ?? []
  const unchangedOptions = { spec: desired.spec, ownedAnnotations: Object.keys(defaultAnnotations) }
  const path = (name: string): string => `metadata.annotations.${annotationKey(name)}`

  test.each<
    [
      string,
      Parameters<typeof ingress> | undefined,
      { path: string; before?: unknown; after?: unknown }[],
    ]
  >([
    ['no difference', [defaultAnnotations, unchangedOptions], []],
    [
      'annotations of other tools',
      [
        { ...defaultAnnotations, 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
        unchangedOptions,
      ],
      [],
    ],
    [
      'the keys of the rule in another order',
      [
        defaultAnnotations,
        {
          ...unchangedOptions,
          spec: {
            rules: [
              {
                http: {
                  paths: [
                    {
                      pathType: 'Prefix',
                      backend: { service: { port: { number: 19530 }, name: 'milvus-svc' } },
                      path: '/',
                    },
                  ],
                },
                host,
              },
            ],
            ingressClassName: 'alb',
          },
        },
      ],
      [],
    ],
    [
      'another value',
      [{ ...defaultAnnotations, [annotationKey('scheme')]: 'internal' }, unchangedOptions],
      [{ path: path('scheme'), before: 'internal', after: 'internet-facing' }],
    ],
    [
      'a missing annotation',
      [
        { ...defaultAnnotations, [annotationKey('ssl-policy')]: undefined } as unknown as Record<
          string,
          string
        >,
        unchangedOptions,
      ],
      [{ path: path('ssl-policy'), after: 'ELBSecurityPolicy-TLS13-1-2-2021-06' }],
    ],
    [
      'an owned annotation that is no longer desired',
      [
        { ...defaultAnnotations, [annotationKey('subnets')]: 'a,b' },
        {
          ...unchangedOptions,
          ownedAnnotations: [...Object.keys(defaultAnnotations), annotationKey('subnets')],
        },
      ],
      [{ path: path('subnets'), before: 'a,b' }],
    ],
    [
      'an annotation of another manager that is not desired',
      [{ ...defaultAnnotations, [annotationKey('subnets')]: 'a,b' }, unchangedOptions],
      [],
    ],
    [
      'an owned annotation that is already removed',
      [
        defaultAnnotations,
        {
          ...unchangedOptions,
          ownedAnnotations: [...Object.keys(defaultAnnotations), annotationKey('subnets')],
        },
      ],
      [],
    ],
    [
      'an empty value',
      [{ ...defaultAnnotations, [annotationKey('scheme')]: '' }, unchangedOptions],
      [{ path: path('scheme'), before: '', after: 'internet-facing' }],
    ],
    [
      'another class',
      [
        defaultAnnotations,
        { ...unchangedOptions, spec: { ...desired.spec, ingressClassName: 'nginx' } },
      ],
      [{ path: 'spec.ingressClassName', before: 'nginx', after: 'alb' }],
    ],
    [
      'a second rule',
      [
        defaultAnnotations,
        {
          ...unchangedOptions,
          spec: {
            ...desired.spec,
            rules: [...(rule ? [rule] : []), { host: 'other.example.com' }],
          },
        },
      ],
      [
        {
          path: 'spec.rules',
          before: expect.stringContaining('other.example.com'),
          after: expect.stringContaining(host),
        },
      ],
    ],
    [
      'no rules',
      [defaultAnnotations, { ...unchangedOptions, spec: { ingressClassName: 'alb' } }],
      [{ path: 'spec.rules', after: expect.stringContaining(host) }],
    ],
  ])('%s', (_, live, expected) => {
    expect(diffIngress(desired, live && ingress(...live))).toEqual(expected)
  })

  test('finds an annotation named like a property of Object.prototype', () => {
    const customDesired = buildIngress({ annotations: { constructor: 'x' } })
    expect(diffIngress(customDesired, ingress(defaultAnnotations, unchangedOptions))).toEqual([
      { path: 'metadata.annotations.constructor', after: 'x' },
    ])
  })

  test('finds every field of an Ingress that does not exist', () => {
    const result = diffIngress(desired, undefined)
    expect(result.map((difference) => difference.path)).toEqual([
      ...Object.keys(defaultAnnotations).map((key) => `metadata.annotations.${key}`),
      'spec.ingressClassName',
      'spec.rules',
    ])
    expect(result.every((difference) => !('before' in difference))).toBe(true)
  })
})

test.each([
  [undefined, []],
  ['', []],
  [certificateArn, [certificateArn]],
  [`${certificateArn}, ${certificateArn}2 ,`, [certificateArn, `${certificateArn}2`]],
])('parseCertificateArns(%j)', (annotation, expected) => {
  expect(
    parseCertificateArns(
      ingress(annotation === undefined ? {} : { [annotationKey('certificate-arn')]: annotation }),
    ),
  ).toEqual(expected)
})
