/** The documented permissions for a check suffice, and each is needed. */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  optionalForCheck,
  requiredForCheck,
  requiredForClassParamsDrift,
  requiredForDriftDetection,
} from '../../testing/required-permissions.ts'
import { checkInputs, checkInputsWithoutValues, expectClean } from './check-expectations.ts'
import { expectFailure, expectSuccess, getErrorAnnotation } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { createObjects, patchObject } from './manual-operations.ts'
import { selectRevocablePermissions } from './revocable-permissions.ts'

setDefaultStart('deployed')

/** The cluster and AWS received only reads, and not even an access review. */
function expectOnlyReads(environment: TestEnvironment, requestOffset: number): void {
  const ownRequests = environment.requestLog.requests
    .slice(requestOffset)
    .filter(({ userAgent }) => /milvus-alb-action|^Helm/i.test(userAgent))
  expect(
    ownRequests
      .filter(
        ({ isMutating, service, operation }) =>
          isMutating || (service === 'kubernetes' && !operation.startsWith('GET ')),
      )
      .map(({ service, operation }) => `${service} ${operation}`),
  ).toEqual([])
  expect(ownRequests.length).toBeGreaterThan(0)
}

scenario(
  'the documented permissions for a check suffice to find no drift, and a check only reads',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const env = await environment.assumeRole('', 'check')
    const [requestOffset, helmCallCount] = [
      environment.requestLog.requests.length,
      (await environment.helmCalls()).length,
    ]
    const result = expectClean(await run(checkInputsWithoutValues, { env }))
    expect(result.summary).toMatch(/^## ✅ No drift: the deployment matches the inputs/)
    expect(result.outputs).toMatchObject({
      'alb-address': expect.stringContaining('.elb.'),
      'certificate-expiry': expect.stringMatching(/^\d{4}-/),
      'milvus-version': expect.stringMatching(/^v?2/),
    })
    // A role with permission to deploy suffices, too.
    expectClean(await run(checkInputs, { env: await environment.assumeRole() }))
    // With neither certificate nor key, the check reads the certificate of the Ingress.
    expect(
      expectClean(await run({ ...checkInputsWithoutValues, certificate: '' }, { env })).outputs[
        'certificate-arn'
      ],
    ).toBe(result.outputs['certificate-arn'])
    expectOnlyReads(environment, requestOffset)
    expect(await environment.helmCalls()).toHaveLength(helmCallCount)

    const incompleteCheck = await run({ ...checkInputs, 'private-key': '' }, { env })
    expectFailure(incompleteCheck, 'preflight', 'drift-unknown')
    expect(incompleteCheck.outputs['drift']).toBe('unknown')
    expect(getErrorAnnotation(incompleteCheck)).toContain(
      'could not check the releases of Helm (list and get secrets), so chart-version and values were not compared',
    )
  },
)

scenario(
  'each permission of a check is denied in turn: the check names it, or reports what it could not read',
  async ({ environment, run }) => {
    expectSuccess(await run())
    for (const { permission, step, code } of selectRevocablePermissions(
      environment,
      requiredForCheck,
    )) {
      const result = expectFailure(
        await run(checkInputsWithoutValues, {
          env: await environment.assumeRole(permission, 'check'),
        }),
        step,
        code,
      )
      expect({ permission, drift: result.outputs['drift'] }).toEqual({
        permission,
        drift: 'unknown',
      })
    }
    const expectUnknown = async (table: typeof requiredForDriftDetection): Promise<void> => {
      for (const { permission, unreadable } of selectRevocablePermissions(environment, table)) {
        const result = expectFailure(
          await run(checkInputsWithoutValues, {
            env: await environment.assumeRole(permission, 'check'),
          }),
          'preflight',
          'drift-unknown',
        )
        expect(getErrorAnnotation(result)).toContain(unreadable)
        expect(result.outputs['drift']).toBe('unknown')
      }
    }
    await expectUnknown(requiredForDriftDetection)
    for (const permission of optionalForCheck)
      expectClean(
        await run(checkInputsWithoutValues, {
          env: await environment.assumeRole(permission, 'check'),
        }),
      )
    await createObjects(environment, {
      apiVersion: 'elbv2.k8s.aws/v1beta1',
      kind: 'IngressClassParams',
      metadata: { name: 'alb' },
      spec: {},
    })
    await patchObject(environment, 'ingressclass/alb', {
      spec: { parameters: { apiGroup: 'elbv2.k8s.aws', kind: 'IngressClassParams', name: 'alb' } },
    })
    await expectUnknown(requiredForClassParamsDrift)
  },
)
