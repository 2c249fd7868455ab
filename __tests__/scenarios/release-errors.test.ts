/** Errors of Helm: a missing or old program, charts that do not render, and failed upgrades. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario } from './harness.ts'

scenario('a Helm version that is too old', async (scenario) => {
  const directory = join(scenario.environment.directory, 'old-helm')
  await mkdir(directory)
  await writeFile(join(directory, 'helm'), '#!/bin/sh\necho v3.13.3\n', { mode: 0o755 })
  expect(
    await expectFailureWithoutWrites(scenario, {}, 'helm-too-old', {
      PATH: `${directory}:/usr/bin:/bin`,
    }),
  ).toContain('v3.13.3')
})

scenario('no Helm on the PATH although the release must change', async (scenario) => {
  await expectFailureWithoutWrites(scenario, {}, 'helm-not-found', { PATH: '/nowhere' })
})

scenario(
  'values that the chart cannot render are rejected before anything is changed',
  async (scenario) => {
    await scenario.environment.chartRepository.publish('4.2.58', '2.5.16', {
      'templates/guard.yaml':
        '{{- if eq .Values.standalone.messageQueue "none" }}{{ fail "Milvus needs a message queue" }}{{ end }}\n',
    })
    const text = await expectFailureWithoutWrites(
      scenario,
      { values: 'standalone: {messageQueue: none}' },
      'helm-upgrade-failed',
    )
    expectToContainAll(text, ['needs a message queue', 'Correct values'])
  },
)

scenario(
  'errors of Helm during an upgrade, each with its own remedy',
  async ({ environment, run }) => {
    for (const { status, reason, message, code, expectedText } of [
      {
        status: 500,
        reason: 'InternalError',
        message:
          'Internal error occurred: failed calling webhook "mservice.elbv2.k8s.aws": failed to call webhook: Post "https://aws-load-balancer-webhook-service.kube-system.svc:443/mutate-v1-service?timeout=10s": no endpoints available for service "aws-load-balancer-webhook-service"',
        code: 'controller-webhook-unavailable',
        expectedText: 'Check that the AWS Load Balancer Controller is running',
      },
      {
        status: 403,
        reason: 'Forbidden',
        message: 'admission webhook "validate.kyverno.svc-fail" denied the request: no',
        code: 'helm-upgrade-failed',
        expectedText: 'A policy of the cluster rejects the upgrade',
      },
      {
        status: 409,
        reason: 'Conflict',
        message:
          'Operation cannot be fulfilled on services "milvus-demo": the object has been modified; please apply your changes to the latest version and try again',
        code: 'helm-upgrade-failed',
        expectedText: 'modified by someone else at the same time',
      },
      {
        status: 403,
        reason: 'Forbidden',
        message:
          'services "milvus-demo" is forbidden: User "runner" cannot patch resource "services" in API group "" in the namespace "milvus"',
        code: 'cluster-forbidden',
        expectedText: 'docs/permissions/rbac.yaml',
      },
    ] as const) {
      const removeFault = environment.faults.inject({
        service: 'kubernetes',
        operation: 'PATCH /api/v1/namespaces/milvus/services/milvus-demo',
        error: { status, code: reason, message },
      })
      expect(getErrorAnnotation(expectFailure(await run(), 'release', code))).toContain(
        expectedText,
      )
      removeFault()
    }
    expectSuccess(await run())
  },
)

scenario('a failed hook is named with its log', async ({ environment, run }) => {
  const hookTemplate =
    'apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-check\n  namespace: {{ .Release.Namespace }}\n  annotations: {helm.sh/hook: pre-upgrade}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: check, image: busybox}]}}}\n'
  await environment.chartRepository.publish('4.2.58', '2.5.16', {
    'templates/hook.yaml': hookTemplate,
  })
  environment.pausePodReadiness() // The run with the hook would succeed.
  const result = expectFailure(
    await run({ 'release-timeout': '1s' }),
    'release',
    'helm-hook-failed',
  )
  expect(getErrorAnnotation(result)).toContain('kubectl logs job/NAME -n milvus')
})
