import { describe, expect, test } from '@jest/globals'
import type { IssuedCertificate } from '../../../testing/certificates.ts'
import type { Ingress } from '../../../src/clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../../src/inputs/types.ts'
import { expectArn, plan, toChanges } from '../../../src/steps/certificate/certificate.ts'
import type { CertificatePlan } from '../../../src/steps/certificate/selection.ts'
import type { Deferred } from '../../../src/steps/deferred.ts'
import { parseCertificateMaterial } from '../../../src/x509/certificate.ts'
import { createSettings, createTarget, host, ingress } from '../fixtures.ts'
import {
  authority,
  createArn,
  createCandidate,
  describePlan,
  keyAlgorithm,
  material,
  oldCertificate,
  ownTag,
  ownTarget,
  parseLeaf,
  renewedCertificate,
  runSelection,
  tags,
} from './certificate-fixture.ts'

describe('plan', () => {
  const run = { settings: createSettings() }

  test('needs no operation for a certificate that is only used', () => {
    const certificate = { arn: createArn(1), leaf: parseLeaf(oldCertificate) }
    expect(plan(run, { source: 'existing', certificate })).toEqual({
      current: certificate,
      operations: [],
      superseded: [],
    })
  })

  test('a rejected re-import may become an import only where the action chose the ARN', () => {
    const candidates = [createCandidate(1, oldCertificate, ownTag)]
    const [reimportTarget] = candidates
    const desired = { ownerTag: ownTarget, liveArn: createArn(1), material }
    const listRejections = (target: typeof reimportTarget) =>
      plan(run, { source: 'inputs', desired, candidates, reimportTarget: target }).operations.map(
        (operation) => operation.action === 'reimport' && operation.onRejection.action,
      )
    expect([listRejections(undefined), listRejections(reimportTarget)]).toEqual([
      ['import'],
      ['fail'],
    ])
  })

  test.each([
    {
      name: 'imports under the ARN of the inputs',
      issued: () => oldCertificate,
      expected: 'reimport 2',
    },
    { name: 'uses the ARN of the inputs', issued: () => renewedCertificate, expected: 'use 2' },
  ])('$name, whatever else ACM contains', ({ issued, expected }) => {
    const reimportTarget = createCandidate(2, issued())
    const candidates = [createCandidate(1, renewedCertificate, ownTag), reimportTarget]
    const desired = { ownerTag: ownTarget, liveArn: createArn(1), material }
    expect(describePlan(plan(run, { source: 'inputs', desired, candidates, reimportTarget }))).toBe(
      expected,
    )
  })
})

describe('expectArn', () => {
  const planOf = (current: CertificatePlan['current']): CertificatePlan => ({
    current,
    operations: [],
    superseded: [],
  })
  const liveIngress = ingress({ 'alb.ingress.kubernetes.io/certificate-arn': createArn(3) })
  const withoutCertificate = createSettings({ certificate: { kind: 'served' } })

  interface ArnCase {
    readonly name: string
    readonly createPlan: () => CertificatePlan | undefined
    readonly settings?: EndpointSettings
    readonly live?: Ingress
    readonly expected: Deferred<string>
  }
  const arnCases: readonly ArnCase[] = [
    {
      name: 'the certificate that is used',
      createPlan: () => planOf({ arn: createArn(1), leaf: parseLeaf(oldCertificate) }),
      expected: { known: true, value: createArn(1) },
    },
    {
      name: 'a certificate that is imported',
      createPlan: () => runSelection([]),
      expected: { known: false, placeholder: '(known after the import)' },
    },
    {
      name: 'no certificate, in a check',
      createPlan: () => planOf(undefined),
      expected: { known: false, placeholder: '(the certificate of the deployment)' },
    },
    {
      name: 'that of the inputs, when ACM cannot be read',
      createPlan: () => undefined,
      settings: createSettings({ certificate: { kind: 'arn', arn: createArn(2) } }),
      expected: { known: true, value: createArn(2) },
    },
    {
      name: 'the current one, when ACM cannot be read',
      createPlan: () => undefined,
      live: liveIngress,
      expected: { known: true, value: createArn(3) },
    },
  ]
  test.each(arnCases)('$name', ({ createPlan, settings = withoutCertificate, live, expected }) => {
    expect(expectArn(settings, createTarget({ ingress: live }), createPlan())).toEqual(expected)
  })
})

describe('toChanges', () => {
  const createReimport = () =>
    ({
      action: 'reimport',
      material,
      onRejection: { action: 'import', tags },
      arn: createArn(1),
      previousLeaf: parseLeaf(oldCertificate),
      why: 'it differs',
    }) as const

  test('describes an import, a re-import and a deletion', () => {
    const description = (issued: IssuedCertificate): unknown =>
      expect.stringMatching(
        new RegExp(
          `^CN=milvus\\.example\\.com, serial ${parseLeaf(issued).serialNumber}, until \\d{4}-`,
        ),
      )
    const change = { step: 'certificate', path: 'certificate' }
    const object = `ACM certificate ${createArn(1)}`
    const leaf = parseLeaf(oldCertificate)
    expect(
      toChanges([
        { action: 'import', material, tags, why: 'ACM has none' },
        createReimport(),
        { action: 'delete', arn: createArn(1), leaf, why: 'it is unused' },
      ]),
    ).toEqual([
      { ...change, object: 'ACM', after: description(renewedCertificate), why: 'ACM has none' },
      {
        ...change,
        object,
        before: description(oldCertificate),
        after: description(renewedCertificate),
        why: 'it differs',
      },
      { ...change, object, before: description(oldCertificate), why: 'it is unused' },
    ])
  })

  test('describes a certificate without a subject', async () => {
    const certificateWithoutName = await authority.issue({
      hosts: [host],
      commonName: null,
      keyAlgorithm,
    })
    const materialWithoutName = parseCertificateMaterial({
      certificate: certificateWithoutName.certificate,
      chain: certificateWithoutName.chain,
      privateKey: certificateWithoutName.privateKey,
    })
    const [change] = toChanges([
      { action: 'import', material: materialWithoutName, tags, why: 'x' },
    ])
    expect(change?.after).toContain(parseLeaf(certificateWithoutName).serialNumber)
  })

  test('never includes the private key', () => {
    const [keyLine = ''] = renewedCertificate.privateKey.split('\n').slice(1)
    const changes = toChanges([{ action: 'import', material, tags, why: 'x' }, createReimport()])
    expect(JSON.stringify(changes)).not.toContain(keyLine)
  })
})
