import { expect, test } from '@jest/globals'
import type { RunSettings } from '../../src/inputs/types.ts'
import { describeRun } from '../../src/reporting/opening.ts'
import { createRemovalSettings, createSettings } from '../steps/fixtures.ts'

test.each<{ name: string; settings: RunSettings | undefined; ref?: string; expected: string }>([
  {
    name: 'a deployment',
    settings: createSettings(),
    ref: 'v1',
    expected:
      'milvus-alb-action 1.2.0 (v1): deploy, host milvus.example.com, namespace milvus, cluster production, us-east-2',
  },
  {
    name: 'a dry run for one release',
    settings: createSettings({ dryRun: true, release: 'search' }),
    expected:
      'milvus-alb-action 1.2.0: dry run of deploy, host milvus.example.com, namespace milvus, release search, cluster production, us-east-2',
  },
  {
    name: 'a check through a kubeconfig',
    settings: createSettings({
      mode: 'check',
      service: 'milvus',
      clusterAccess: { kind: 'kubeconfig', paths: ['/config'], context: 'blue' },
    }),
    expected:
      'milvus-alb-action 1.2.0: check, host milvus.example.com, namespace milvus, Service milvus, context blue of the kubeconfig, us-east-2',
  },
  {
    name: 'a removal',
    settings: createRemovalSettings(),
    ref: '',
    expected: 'milvus-alb-action 1.2.0: destroy, namespace milvus, cluster production, us-east-2',
  },
  { name: 'unreadable inputs', settings: undefined, expected: 'milvus-alb-action 1.2.0' },
])('the first line of $name', ({ settings, ref, expected }) => {
  expect(describeRun('1.2.0', ref, settings)).toBe(expected)
})
