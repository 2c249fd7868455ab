import { describe, expect, test } from '@jest/globals'
import type { Service } from '../../../src/clients/kubernetes/types.ts'
import { checkBackendTls, findTlsMismatch } from '../../../src/steps/preflight/backend-tls.ts'
import { captureActionError } from '../../capture-error.ts'
import { ingress, createRevision, createSettings } from '../fixtures.ts'

const key = 'alb.ingress.kubernetes.io/backend-protocol'
const path = 'extraConfigFiles.user.yaml'
const source = 'in annotations'

describe('findTlsMismatch', () => {
  test.each([
    { mode: 0, isTls: false, problem: undefined },
    {
      mode: 0,
      isTls: true,
      problem:
        /milvus-demo serves plaintext \(tlsMode 0 in .*would send it TLS because of .* in annotations/,
    },
    { mode: 1, isTls: false, problem: /milvus-demo serves TLS itself \(tlsMode 1 in .*HTTP 502/ },
    { mode: 1, isTls: true, problem: undefined },
    {
      mode: 2,
      isTls: false,
      problem: /milvus-demo serves TLS itself and requires client certificates/,
    },
    {
      mode: 2,
      isTls: true,
      problem: /milvus-demo serves TLS itself and requires client certificates/,
    },
  ] as const)('tlsMode $mode, the ALB uses TLS: $isTls', ({ mode, isTls, problem }) => {
    const actual = findTlsMismatch('milvus-demo', { mode, path }, { isTls, source })?.message
    if (problem === undefined) expect(actual).toBeUndefined()
    else expect(actual).toMatch(problem)
  })
})

const createTlsValues = (mode: number) => ({
  extraConfigFiles: { 'user.yaml': `common: {security: {tlsMode: ${mode}}}` },
})
const createService = (annotations: Record<string, string>): Service => ({
  metadata: { name: 'milvus-demo', uid: 's', resourceVersion: '1', annotations },
  spec: {},
})

describe('checkBackendTls', () => {
  test.each([
    {
      name: 'an input for the stored mode',
      stored: createTlsValues(1),
      annotations: { [key]: 'HTTPS' },
      fails: false,
    },
    { name: 'no input for the stored mode', stored: createTlsValues(1), fails: true },
    {
      name: 'values that disable TLS',
      stored: createTlsValues(1),
      values: createTlsValues(0),
      fails: false,
    },
    { name: 'values that enable TLS', stored: {}, values: createTlsValues(1), fails: true },
    {
      name: 'an annotation of the Service, which overrides the input',
      stored: createTlsValues(1),
      annotations: { [key]: 'HTTPS' },
      onService: 'HTTP',
      fails: true,
    },
    {
      name: 'values that remove the annotation of the Service',
      stored: createTlsValues(1),
      values: { service: { annotations: { [key]: null } } },
      annotations: { [key]: 'HTTPS' },
      onService: 'HTTP',
      fails: false,
    },
    {
      name: 'values that annotate the Service',
      stored: createTlsValues(1),
      values: { service: { annotations: { [key]: 'HTTPS' } } },
      fails: false,
    },
    {
      name: 'an annotation of the Ingress by another field manager',
      stored: createTlsValues(1),
      live: { ownedAnnotations: [] },
      fails: false,
    },
    {
      name: 'an owned annotation of the Ingress that is no longer an input',
      stored: createTlsValues(1),
      live: { ownedAnnotations: [key] },
      fails: true,
    },
    {
      name: 'no release',
      stored: undefined,
      annotations: { [key]: 'HTTPS' },
      fails: false,
    },
  ])('$name', async ({ stored, values = {}, annotations = {}, onService, live, fails }) => {
    const release = stored && {
      latestRevision: createRevision({ values: stored }),
      deployedRevision: createRevision({ values: stored }),
    }
    const runCheck = () => {
      checkBackendTls(createSettings({ values, ingress: { annotations } }), {
        release,
        service: createService(onService === undefined ? {} : { [key]: onService }),
        ingress: live && ingress({ [key]: 'HTTPS' }, live),
      })
    }
    if (fails) expect((await captureActionError(runCheck)).code).toBe('milvus-tls-mismatch')
    else expect(runCheck).not.toThrow()
  })
})
