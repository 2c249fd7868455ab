import { describe, expect, test } from '@jest/globals'
import { findArgument, findDisabledAnnotations } from '../../src/controller/arguments.ts'

const prefix = 'alb.ingress.kubernetes.io/'

describe('findDisabledAnnotations', () => {
  interface DisabledCase {
    readonly args: readonly string[]
    readonly name: string
    readonly value: string
    /** `EFFECT with ARGUMENT` */
    readonly expected: string | undefined
  }
  const cases: readonly DisabledCase[] = [
    {
      args: ['--enable-wafv2=false'],
      name: 'wafv2-acl-name',
      value: 'production',
      expected: 'ignores with --enable-wafv2=false',
    },
    {
      args: ['--enable-wafv2=false'],
      name: 'wafv2-acl-arn',
      value: 'arn:aws:wafv2:x',
      expected: 'ignores with --enable-wafv2=false',
    },
    { args: ['--enable-wafv2=false'], name: 'wafv2-acl-arn', value: 'none', expected: undefined },
    {
      args: ['--enable-wafv2=false', '--enable-wafv2=true'],
      name: 'wafv2-acl-name',
      value: 'production',
      expected: undefined,
    },
    {
      args: ['--enable-waf=F'],
      name: 'waf-acl-id',
      value: 'x',
      expected: 'ignores with --enable-waf=false',
    },
    {
      args: ['--enable-waf=false'],
      name: 'web-acl-id',
      value: 'x',
      expected: 'ignores with --enable-waf=false',
    },
    { args: ['--enable-waf=false'], name: 'wafv2-acl-name', value: 'x', expected: undefined },
    {
      args: ['--enable-shield=false'],
      name: 'shield-advanced-protection',
      value: 'true',
      expected: 'ignores with --enable-shield=false',
    },
    {
      args: ['--enable-shield=false'],
      name: 'shield-advanced-protection',
      value: 'false',
      expected: undefined,
    },
    ...['False', 'FALSE', 'f', '0'].map((value) => ({
      args: ['--enable-shield=false'],
      name: 'shield-advanced-protection',
      value,
      expected: undefined,
    })),
    {
      args: ['--enable-shield=false'],
      name: 'shield-advanced-protection',
      value: 'T',
      expected: 'ignores with --enable-shield=false',
    },
    {
      args: ['--enable-wafv2=false'],
      name: 'wafv2-acl-name',
      value: 'false',
      expected: 'ignores with --enable-wafv2=false',
    },
    {
      args: ['--feature-gates=ListenerRulesTagging=false, EnableIPTargetType=false'],
      name: 'target-type',
      value: 'ip',
      expected: 'rejects with --feature-gates=EnableIPTargetType=false',
    },
    {
      args: ['--feature-gates', 'EnableIPTargetType=true'],
      name: 'target-type',
      value: 'ip',
      expected: undefined,
    },
    {
      args: ['--feature-gates=LBCapacityReservation=false'],
      name: 'minimum-load-balancer-capacity',
      value: 'CapacityUnits=100',
      expected: 'ignores with --feature-gates=LBCapacityReservation=false',
    },
    {
      args: ['--disable-ingress-group-name-annotation', '--cluster-name=x'],
      name: 'group.name',
      value: 'shared',
      expected: 'rejects with --disable-ingress-group-name-annotation=true',
    },
    {
      args: ['--disable-ingress-group-name-annotation=false'],
      name: 'group.name',
      value: 'shared',
      expected: undefined,
    },
    { args: [], name: 'wafv2-acl-name', value: 'x', expected: undefined },
  ]
  test.each(cases)('$args: $name is $value', ({ args, name, value, expected }) => {
    const disabled = findDisabledAnnotations(args, { [prefix + name]: value }, [])
    expect(disabled.map(({ effect, argument }) => `${effect} with ${argument}`)).toEqual(
      expected === undefined ? [] : [expected],
    )
  })

  test('tags that something else manages', () => {
    const args = ['--external-managed-tags=owner, team']
    expect(findDisabledAnnotations(args, {}, ['team', 'stage'])).toEqual([
      {
        key: `tag team in ${prefix}tags`,
        argument: '--external-managed-tags=team',
        effect: 'rejects',
      },
    ])
    expect(findDisabledAnnotations(args, {}, ['stage'])).toEqual([])
  })
})

test.each<[readonly string[], string | undefined]>([
  [['--watch-namespace=web'], 'web'],
  [['--watch-namespace', 'web'], 'web'],
  [['--watch-namespace=web', '--watch-namespace=milvus'], 'milvus'],
  [['--watch-namespaces=web'], undefined],
  [['--watch-namespace='], ''],
])('findArgument in %j', (args, expected) => {
  expect(findArgument(args, 'watch-namespace')).toBe(expected)
})
