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
  ] as const)('tlsMode $mode, the ALB speaks TLS: $isTls', ({ mode, isTls, problem }) => {
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
      name: 'the input, for a stored mode',
      stored: createTlsValues(1),
      given: { [key]: 'HTTPS' },
      fails: false,
    },
    { name: 'nothing, for a stored mode', stored: createTlsValues(1), fails: true },
    {
      name: 'values that turn TLS off',
      stored: createTlsValues(1),
      values: createTlsValues(0),
      fails: false,
    },
    { name: 'values that turn TLS on', stored: {}, values: createTlsValues(1), fails: true },
    {
      name: 'the Service wins over the input',
      stored: createTlsValues(1),
      given: { [key]: 'HTTPS' },
      onService: 'HTTP',
      fails: true,
    },
    {
      name: 'values take the annotation off the Service',
      stored: createTlsValues(1),
      values: { service: { annotations: { [key]: null } } },
      given: { [key]: 'HTTPS' },
      onService: 'HTTP',
      fails: false,
    },
    {
      name: 'values put the annotation on the Service',
      stored: createTlsValues(1),
      values: { service: { annotations: { [key]: 'HTTPS' } } },
      fails: false,
    },
    {
      name: "somebody else's annotation of the Ingress stays",
      stored: createTlsValues(1),
      live: { ownedAnnotations: [] },
      fails: false,
    },
    {
      name: 'our annotation of the Ingress goes when the input no longer has it',
      stored: createTlsValues(1),
      live: { ownedAnnotations: [key] },
      fails: true,
    },
    {
      name: 'without a release nobody knows',
      stored: undefined,
      given: { [key]: 'HTTPS' },
      fails: false,
    },
  ])('$name', async ({ stored, values = {}, given = {}, onService, live, fails }) => {
    const release = stored && {
      latestRevision: createRevision({ values: stored }),
      deployedRevision: createRevision({ values: stored }),
    }
    const runCheck = () => {
      checkBackendTls(createSettings({ values, ingress: { annotations: given } }), {
        release,
        service: createService(onService === undefined ? {} : { [key]: onService }),
        ingress: live && ingress({ [key]: 'HTTPS' }, live),
      })
    }
    if (fails) expect((await captureActionError(runCheck)).code).toBe('milvus-tls-mismatch')
    else expect(runCheck).not.toThrow()
  })
})
