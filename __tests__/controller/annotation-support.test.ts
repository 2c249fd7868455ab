import { describe, expect, test } from '@jest/globals'
import {
  describeRequiredVersions,
  findUnsupportedAnnotations,
} from '../../src/controller/annotation-support.ts'
import { parseControllerVersion, type Version } from '../../src/controller/versions.ts'
import { createSettings } from '../steps/fixtures.ts'
import type { IngressSettings } from '../../src/inputs/types.ts'
import {
  findVersionProblem,
  noteUncheckedAnnotations,
} from '../../src/steps/preflight/controller-support.ts'
import type { Context } from '../../src/steps/step.ts'

const prefix = 'alb.ingress.kubernetes.io/'

const withPrefix = (annotations: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).map(([name, value]) => [prefix + name, value]))

/** The first version that reads each annotation. */
const firstVersions: readonly (readonly [string, Version])[] = [
  ['backend-protocol-version', [2, 1, 0]],
  ['mutual-authentication', [2, 7, 0]],
  ['security-group-prefix-lists', [2, 8, 0]],
  ['listener-attributes.HTTPS-443', [2, 9, 0]],
  ['multi-cluster-target-group', [2, 10, 0]],
  ['minimum-load-balancer-capacity', [2, 11, 0]],
  ['ipam-ipv4-pool-id', [2, 12, 0]],
  ['enable-frontend-nlb', [2, 13, 0]],
  ['frontend-nlb-healthcheck-path', [2, 13, 0]],
  ['wafv2-acl-name', [2, 14, 0]],
  ['use-regex-path-match', [2, 14, 0]],
  ['transforms.milvus-demo', [2, 14, 0]],
  ['jwt-validation', [2, 15, 0]],
  ['target-control-port.milvus-demo.19530', [2, 16, 0]],
  ['frontend-nlb-attributes', [3, 2, 0]],
  ['create-acm-cert', [3, 3, 0]],
  ['acm-pca-arn', [3, 3, 0]],
]

describe('findUnsupportedAnnotations', () => {
  test.each(firstVersions)('%s is new in %j', (name, [major = 0, minor = 0, patch = 0]) => {
    const annotations = withPrefix({ [name]: 'x' })
    expect(findUnsupportedAnnotations(annotations, [major, minor - 1, 9])).toEqual([
      expect.objectContaining({
        key: prefix + name,
        effect: `ignores ${prefix}${name} (new in v${major}.${minor}.${patch})`,
      }),
    ])
    expect(findUnsupportedAnnotations(annotations, [major + 1, 0, 0])).toEqual([])
  })

  test.each<{
    name: string
    annotations: Record<string, string>
    version: Version
    expected: { effect: string; supportedSince: Version }[]
  }>([
    {
      name: 'v2.14.0 panics at wafv2-acl-name',
      annotations: { 'wafv2-acl-name': 'x' },
      version: [2, 14, 0],
      expected: [{ effect: `panics at ${prefix}wafv2-acl-name`, supportedSince: [2, 14, 1] }],
    },
    {
      name: 'v2.14.1 does not',
      annotations: { 'wafv2-acl-name': 'x' },
      version: [2, 14, 1],
      expected: [],
    },
    {
      name: 'the version to update to is not one that panics',
      annotations: { 'wafv2-acl-name': 'x' },
      version: [2, 13, 4],
      expected: [
        { effect: `ignores ${prefix}wafv2-acl-name (new in v2.14.0)`, supportedSince: [2, 14, 1] },
      ],
    },
    {
      name: 'v2.14.0 splits at an escaped comma',
      annotations: { tags: 'team=search\\,vectors', 'load-balancer-attributes': 'a=b,c=d' },
      version: [2, 14, 0],
      expected: [
        { effect: `rejects the escaped comma in ${prefix}tags`, supportedSince: [2, 14, 1] },
      ],
    },
    {
      name: 'v2.8.1 takes none for the ARN of a web ACL',
      annotations: { 'wafv2-acl-arn': 'none' },
      version: [2, 8, 1],
      expected: [{ effect: `rejects "none" in ${prefix}wafv2-acl-arn`, supportedSince: [2, 8, 2] }],
    },
    {
      name: 'v2.8.1 reads other ARNs',
      annotations: { 'wafv2-acl-arn': 'arn:aws:wafv2:x' },
      version: [2, 8, 1],
      expected: [],
    },
    {
      name: 'v2.4.0 reads what is older, and other tools read theirs',
      annotations: { scheme: 'internal', 'group.order': '1', 'of-another-tool': 'x' },
      version: [2, 4, 0],
      expected: [],
    },
  ])('$name', ({ annotations, version, expected }) => {
    const found = findUnsupportedAnnotations(withPrefix(annotations), version)
    expect(found.map(({ effect, supportedSince }) => ({ effect, supportedSince }))).toEqual(
      expected,
    )
  })
})

test('describeRequiredVersions names the first version without a known defect', () => {
  const annotations = withPrefix({
    'wafv2-acl-name': 'x',
    'mutual-authentication': 'x',
    'wafv2-acl-arn': 'none',
    scheme: 'internal',
  })
  expect(describeRequiredVersions(annotations)).toEqual([
    `${prefix}wafv2-acl-name (v2.14.1)`,
    `${prefix}mutual-authentication (v2.7.0)`,
    `${prefix}wafv2-acl-arn (v2.8.2)`,
  ])
})

describe('findVersionProblem', () => {
  test('a version without gRPC, whatever the inputs are', () => {
    const problem = findVersionProblem(createSettings(), [2, 0, 1], {})
    expect(problem?.message).toBe(
      'The AWS Load Balancer Controller is v2.0.1, which ignores ' +
        `${prefix}backend-protocol-version (new in v2.1.0).`,
    )
    expect(problem?.remedy).toBe('Update the controller to v2.1.0 or later.')
  })

  test('the newest of the required versions', () => {
    const annotations = withPrefix({ 'multi-cluster-target-group': 'true', 'jwt-validation': '{}' })
    const problem = findVersionProblem(createSettings({ ingress: { annotations } }), [2, 6, 0], {})
    expect(problem?.code).toBe('controller-unsuitable')
    expect(problem?.remedy).toBe(
      'Update the controller to v2.15.0 or later, or remove ' +
        `${prefix}multi-cluster-target-group, ${prefix}jwt-validation from annotations.`,
    )
  })

  test.each<{
    name: string
    ingress: Partial<IngressSettings>
    service?: string
    version: Version
    /** The annotations that the version does not support. */
    expected: readonly string[]
  }>([
    ...['false', 'False', 'FALSE', 'f', 'F', '0'].map((value) => ({
      name: `no NLB: ${value}`,
      ingress: { annotations: withPrefix({ 'enable-frontend-nlb': value }) },
      version: [2, 12, 0],
      expected: [],
    })),
    {
      name: 'an NLB',
      ingress: { annotations: withPrefix({ 'enable-frontend-nlb': 'T' }) },
      version: [2, 12, 0],
      expected: ['enable-frontend-nlb'],
    },
    {
      name: 'other booleans that are false',
      ingress: {
        annotations: withPrefix({
          'multi-cluster-target-group': 'false',
          'use-regex-path-match': 'false',
          'create-acm-cert': 'false',
        }),
      },
      version: [2, 9, 0],
      expected: [],
    },
    {
      name: 'annotations without effect',
      ingress: {
        annotations: withPrefix({
          'use-regex-path-match': 'true',
          'create-acm-cert': 'true',
          'acm-pca-arn': 'arn',
          'frontend-nlb-scheme': 'internal',
          'frontend-nlb-attributes': 'a=b',
          'listener-attributes.HTTPS-8443': 'a=b',
        }),
      },
      version: [2, 4, 0],
      expected: [],
    },
    {
      name: 'the same with an NLB and on this port',
      ingress: {
        listenPort: 8443,
        annotations: withPrefix({
          'enable-frontend-nlb': 'true',
          'frontend-nlb-scheme': 'internal',
          'listener-attributes.HTTPS-8443': 'a=b',
        }),
      },
      version: [2, 4, 0],
      expected: ['enable-frontend-nlb', 'frontend-nlb-scheme', 'listener-attributes.HTTPS-8443'],
    },
    {
      name: 'prefix lists beside security groups of the user',
      ingress: {
        securityGroups: ['sg-1'],
        annotations: withPrefix({ 'security-group-prefix-lists': 'pl-1' }),
      },
      version: [2, 7, 0],
      expected: [],
    },
    {
      name: 'transforms of another Service',
      ingress: { annotations: withPrefix({ 'transforms.attu': '[]', 'transforms.milvus': '[]' }) },
      service: 'milvus',
      version: [2, 13, 0],
      expected: ['transforms.milvus'],
    },
    {
      name: 'a Service and a port that are not known',
      ingress: {
        annotations: withPrefix({ 'transforms.attu': '[]', 'target-control-port.attu.1': '1' }),
      },
      version: [2, 13, 0],
      expected: ['transforms.attu', 'target-control-port.attu.1'],
    },
  ])('$name', ({ ingress, service, version, expected }) => {
    const problem = findVersionProblem(createSettings({ ingress }), version, { name: service })
    const keys = problem?.message.match(/(?<=ignores alb\.ingress\.kubernetes\.io\/)[^ ]+/g)
    expect(keys ?? []).toEqual(expected)
  })

  test('a controller that supports everything', () => {
    expect(findVersionProblem(createSettings(), [2, 4, 0], {})).toBeUndefined()
  })
})

test.each<{ name: string; annotations: Record<string, string>; expected: readonly RegExp[] }>([
  {
    name: 'one that versions do not support',
    annotations: { 'multi-cluster-target-group': 'true' },
    expected: [/these annotations: [^ ]+\/multi-cluster-target-group \(v2\.10\.0\)\.$/],
  },
  {
    name: 'those that ask for nothing',
    annotations: { 'multi-cluster-target-group': 'false', 'frontend-nlb-scheme': 'internal' },
    expected: [],
  },
])('the annotations of a controller of unknown version: $name', ({ annotations, expected }) => {
  const notes: string[] = []
  const context = { log: { note: (text: string) => notes.push(text) } } as unknown as Context
  const settings = createSettings({ ingress: { annotations: withPrefix(annotations) } })
  noteUncheckedAnnotations(context, settings, {}, 'It cannot be read')
  expect(notes).toEqual(expected.map((pattern) => expect.stringMatching(pattern) as unknown))
})

test.each<[string, Version | undefined]>([
  ['public.ecr.aws/eks/aws-load-balancer-controller:v2.14.1', [2, 14, 1]],
  ['registry:5000/aws-load-balancer-controller:v2.4.7-eksbuild.1', [2, 4, 7]],
  ['docker.io/amazon/aws-alb-ingress-controller:v2.0.1', [2, 0, 1]],
  // The version of the chart, which contains v2.13.
  ['registry/aws-load-balancer-controller:1.13.0', undefined],
  ['aws-load-balancer-controller:latest', undefined],
  ['aws-load-balancer-controller@sha256:0000', undefined],
])('the version in image %s', (image, expected) => {
  expect(parseControllerVersion(['proxy:1.0.0', image])).toEqual(expected)
})
