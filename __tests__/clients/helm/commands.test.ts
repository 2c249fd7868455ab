import { describe, expect, test } from '@jest/globals'
import {
  historyMaxToRetain,
  installArguments,
  previewArguments,
  upgradeArguments,
  type UpgradeOptions,
} from '../../../src/clients/helm/commands.ts'
import { upgradeRequest } from './upgrade-request.ts'

const baseArguments = [
  'upgrade',
  'milvus-demo',
  '/runner/milvus-5.0.19.tgz',
  '--namespace',
  'milvus',
  '--reset-then-reuse-values',
]
const typeArguments = ['--set', 'service.type=ClusterIP']
const waitArguments = ['--wait', '--timeout', '600s']

describe('upgradeArguments', () => {
  test.each<{ name: string; overrides: Partial<UpgradeOptions>; expected: string[] }>([
    {
      name: 'a chart',
      overrides: {},
      expected: [...baseArguments, ...typeArguments, ...waitArguments],
    },
    {
      name: 'values on standard input, before the Service type',
      overrides: { values: '{"a":"secret"}' },
      expected: [...baseArguments, '--values', '-', ...typeArguments, ...waitArguments],
    },
    {
      name: 'an empty map of values',
      overrides: { values: '{}' },
      expected: [...baseArguments, '--values', '-', ...typeArguments, ...waitArguments],
    },
    {
      name: 'a kubeconfig',
      overrides: { kubeconfig: '/tmp/k' },
      expected: [...baseArguments, ...typeArguments, '--kubeconfig', '/tmp/k', ...waitArguments],
    },
    {
      name: 'a context',
      overrides: { context: 'production' },
      expected: [
        ...baseArguments,
        ...typeArguments,
        '--kube-context',
        'production',
        ...waitArguments,
      ],
    },
    {
      name: 'another Service type',
      overrides: { serviceType: 'NodePort' },
      expected: [...baseArguments, '--set', 'service.type=NodePort', ...waitArguments],
    },
    {
      name: "the type of a subchart's Service",
      overrides: { valuesPath: ['platform', 'data.vectors'] },
      expected: [
        ...baseArguments,
        '--set',
        'platform.data\\.vectors.service.type=ClusterIP',
        ...waitArguments,
      ],
    },
    {
      name: 'no Service type',
      overrides: { serviceType: undefined },
      expected: [...baseArguments, ...waitArguments],
    },
    {
      name: 'no wait',
      overrides: { wait: false },
      expected: [...baseArguments, ...typeArguments, '--timeout', '600s'],
    },
    {
      name: 'only the given values',
      overrides: { values: '{}', resetValues: true, serviceType: undefined },
      expected: [
        ...baseArguments.slice(0, -1),
        '--reset-values',
        '--values',
        '-',
        ...waitArguments,
      ],
    },
    {
      name: 'a longer history',
      overrides: { historyMax: 13 },
      expected: [...baseArguments, ...typeArguments, ...waitArguments, '--history-max', '13'],
    },
    {
      name: 'forced conflicts',
      overrides: { forceConflicts: true },
      expected: [...baseArguments, ...typeArguments, ...waitArguments, '--force-conflicts'],
    },
  ])('$name', ({ overrides, expected }) => {
    expect(upgradeArguments({ ...upgradeRequest, ...overrides })).toEqual(expected)
  })

  test('previewArguments returns the same upgrade as a dry run', () => {
    expect(previewArguments({ ...upgradeRequest, values: '{}' })).toEqual([
      ...baseArguments,
      '--values',
      '-',
      ...typeArguments,
      '--dry-run=server',
      '--output',
      'json',
    ])
  })

  test('installArguments returns an installation as a dry run', () => {
    const installation = {
      release: 'milvus-demo',
      namespace: 'milvus',
      chart: '/c.tgz',
      values: '{}',
      kubeconfig: '/tmp/k',
      context: undefined,
    }
    expect(installArguments(installation)).toEqual([
      'install',
      'milvus-demo',
      '/c.tgz',
      '--namespace',
      'milvus',
      '--values',
      '-',
      '--kubeconfig',
      '/tmp/k',
      '--dry-run=server',
      '--output',
      'json',
    ])
  })

  test.each([
    [undefined, undefined],
    [1, undefined],
    [9, undefined],
    [10, undefined],
    [11, 11],
    [25, 25],
  ])('historyMaxToRetain: %j revisions, --history-max %j', (keptRevisions, expected) => {
    expect(historyMaxToRetain(keptRevisions)).toBe(expected)
  })

  test('the arguments never contain values', () => {
    expect(
      upgradeArguments({ ...upgradeRequest, values: '{"password":"hunter2"}' }).join(' '),
    ).not.toContain('hunter2')
  })
})
