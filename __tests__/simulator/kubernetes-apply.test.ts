import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { getIn, type Json } from '../../simulator/kubernetes/api.ts'
import {
  api,
  sendRequest,
  buildIngress,
  arn,
  startFixture,
  stopFixture,
} from './kubernetes-fixture.ts'

beforeAll(startFixture)
afterAll(stopFixture)

describe('server-side apply', () => {
  const apply = (object: object, name: string, more = ''): ReturnType<typeof sendRequest> =>
    sendRequest(
      'PATCH',
      `/apis/networking.k8s.io/v1/namespaces/milvus/ingresses/${name}?fieldManager=milvus-alb-action${more}`,
      object,
      { type: 'application/apply-patch+yaml' },
    )
  const same = { [arn]: 'one', 'example.com/scheme': 'internal' }

  test.each([
    { what: 'the same values', applied: same, status: 200, annotations: same },
    { what: 'another value', applied: { ...same, [arn]: 'two' }, status: 409, annotations: same },
    {
      what: 'another value, forced',
      applied: { ...same, [arn]: 'two' },
      more: '&force=true',
      status: 200,
      annotations: { ...same, [arn]: 'two' },
    },
    { what: 'an omitted value', applied: { [arn]: 'one' }, status: 200, annotations: same },
    {
      what: 'an additional value',
      applied: { ...same, more: '1' },
      status: 200,
      annotations: { ...same, more: '1' },
    },
    {
      what: 'two other values',
      applied: { [arn]: 'two', 'example.com/scheme': 'x' },
      status: 409,
      annotations: same,
    },
  ])('over fields of kubectl: $what', async ({ what, applied, more, status, annotations }) => {
    const name = `over-${what.replaceAll(/\W+/g, '-')}`
    api.create(buildIngress(same, name), 'kubectl-client-side-apply')
    expect((await apply(buildIngress(applied, name), name, more)).status).toBe(status)
    expect(api.get('Ingress', 'milvus', name)?.metadata.annotations).toEqual(annotations)
  })

  test('reports the owner of each field in a conflict', async () => {
    api.create(buildIngress(same, 'conflict'), 'kubectl-client-side-apply')
    expect(
      (await apply(buildIngress({ [arn]: 'two' }, 'conflict'), 'conflict')).body,
    ).toMatchObject({
      kind: 'Status',
      status: 'Failure',
      reason: 'Conflict',
      code: 409,
      message: `Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using networking.k8s.io/v1: .metadata.annotations.${arn}`,
      details: {
        causes: [
          {
            reason: 'FieldManagerConflict',
            message: 'conflict with "kubectl-client-side-apply" using networking.k8s.io/v1',
            field: `.metadata.annotations.${arn}`,
          },
        ],
      },
    })
  })

  test('keeps unchanged objects, removes omitted fields of its own, and keeps the generation after an annotation change', async () => {
    const first = await apply(buildIngress({ [arn]: 'one', removed: 'soon' }, 'own'), 'own')
    expect(first.status).toBe(201)
    expect(getIn(first.body, 'metadata', 'managedFields')).toMatchObject([
      {
        manager: 'milvus-alb-action',
        operation: 'Apply',
        fieldsV1: {
          'f:metadata': { 'f:annotations': { [`f:${arn}`]: {}, 'f:removed': {} } },
          'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} },
        },
      },
    ])
    const version = (answer: { body: Json }): Json | undefined =>
      getIn(answer.body, 'metadata', 'resourceVersion')
    expect(
      version(await apply(buildIngress({ [arn]: 'one', removed: 'soon' }, 'own'), 'own')),
    ).toBe(version(first))
    const third = await apply(buildIngress({ [arn]: 'one' }, 'own'), 'own')
    expect(third.body).toMatchObject({ metadata: { generation: 1 } })
    expect(getIn(third.body, 'metadata', 'annotations')).toEqual({ [arn]: 'one' })
    const dryRunResult = await apply(buildIngress({ [arn]: 'two' }, 'own'), 'own', '&dryRun=All')
    expect(getIn(dryRunResult.body, 'metadata', 'annotations', arn)).toBe('two')
    expect(version(await apply(buildIngress({ [arn]: 'one' }, 'own'), 'own'))).toBe(version(third))
  })
})
