import { describe, expect, test } from '@jest/globals'
import { extractErrorMessage, upgradeFailure } from '../../../src/clients/helm/failures.ts'

const target = { release: 'milvus-demo', namespace: 'milvus' }

describe('upgradeFailure', () => {
  // What Helm 4.1.4 and 3.17.3 printed against a real or the simulator's API; the hooks' and the
  // last six as quoted in issues of Helm.
  test.each<{ name: string; message: string; code: string; remedy: RegExp }>([
    {
      name: 'another operation in progress',
      message: 'another operation (install/upgrade/rollback) is in progress',
      code: 'release-pending',
      remedy: /helm status milvus-demo -n milvus/,
    },
    {
      name: "the controller's webhook, Helm 4",
      message:
        'Internal error occurred: failed calling webhook "mservice.elbv2.k8s.aws": failed to call webhook: Post "https://x": no endpoints available for service "aws-load-balancer-webhook-service"',
      code: 'controller-webhook-unavailable',
      remedy: /aws-load-balancer-controller/,
    },
    {
      name: "the controller's webhook, Helm 3",
      message:
        'cannot patch "milvus-demo" with kind Service: Internal error occurred: failed calling webhook "mservice.elbv2.k8s.aws": failed to call webhook: Post "https://x": context deadline exceeded',
      code: 'controller-webhook-unavailable',
      remedy: /aws-load-balancer-controller/,
    },
    {
      name: 'another webhook',
      message:
        'Internal error occurred: failed calling webhook "vault.hashicorp.com": failed to call webhook: context deadline exceeded',
      code: 'helm-upgrade-failed',
      remedy: /server of that webhook is running/,
    },
    {
      name: 'a policy of the cluster',
      message: 'admission webhook "validate.kyverno.svc-fail" denied the request: no LoadBalancer',
      code: 'helm-upgrade-failed',
      remedy: /policy of the cluster/,
    },
    {
      name: 'a hook that failed',
      message:
        'pre-upgrade hooks failed: 1 error occurred:; * job milvus-demo-check failed: BackoffLimitExceeded',
      code: 'helm-hook-failed',
      remedy: /kubectl logs job\/NAME -n milvus/,
    },
    {
      name: 'a hook that timed out',
      message:
        'post-upgrade hooks failed: 1 error occurred:; * timed out waiting for the condition',
      code: 'helm-hook-failed',
      remedy: /kubectl get jobs,pods/,
    },
    {
      name: 'an exceeded quota',
      message:
        'create: failed to create: secrets is forbidden: exceeded quota: compute-resources, requested: count/secrets=1',
      code: 'helm-upgrade-failed',
      remedy: /resourcequota/,
    },
    {
      name: 'a missing RBAC permission, Helm 4',
      message:
        'services "milvus-demo" is forbidden: User "x" cannot patch resource "services" in API group "" in the namespace "milvus"',
      code: 'cluster-forbidden',
      remedy: /rbac\.yaml/,
    },
    {
      name: 'a missing RBAC permission, Helm 3',
      message:
        'could not get information about the resource: deployments.apps "x" is forbidden: User "x" cannot get resource "deployments"',
      code: 'cluster-forbidden',
      remedy: /rbac\.yaml/,
    },
    {
      name: 'expired credentials',
      message: 'query: failed to query with labels: Unauthorized',
      code: 'cluster-unauthorized',
      remedy: /expired/,
    },
    {
      name: 'an unreachable API, Helm 3',
      message:
        'Kubernetes cluster unreachable: the server is currently unable to handle the request',
      code: 'cluster-unreachable',
      remedy: /again/,
    },
    {
      name: 'an unreachable API, Helm 4',
      message:
        'kubernetes cluster unreachable: the server is currently unable to handle the request',
      code: 'cluster-unreachable',
      remedy: /again/,
    },
    {
      name: 'a field of another field manager',
      message:
        'conflict occurred while applying object milvus/milvus-demo /v1, Kind=Service: Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .spec.type',
      code: 'helm-upgrade-failed',
      remedy: /^kubectl-patch changed/,
    },
    {
      name: 'a concurrent write',
      message:
        'Operation cannot be fulfilled on services "milvus-demo": the object has been modified; please apply your changes to the latest version and try again',
      code: 'helm-upgrade-failed',
      remedy: /at the same time/,
    },
    {
      name: 'an object outside the release',
      message:
        'Unable to continue with update: Service "x" in namespace "milvus" exists and cannot be imported into the current release: invalid ownership metadata',
      code: 'helm-upgrade-failed',
      remedy: /belongs to another release or to none/,
    },
    {
      name: 'an immutable field of a StatefulSet',
      message:
        'StatefulSet.apps "x" is invalid: spec: Forbidden: updates to statefulset spec for fields other than \'replicas\' are forbidden',
      code: 'helm-upgrade-failed',
      remedy: /does not allow changing that field/,
    },
    {
      name: 'an immutable selector',
      message:
        'cannot patch "x" with kind Deployment: Deployment.apps "x" is invalid: spec.selector: Invalid value: field is immutable',
      code: 'helm-upgrade-failed',
      remedy: /does not allow changing that field/,
    },
    {
      name: 'an unknown kind',
      message:
        'resource mapping not found for name: "x" namespace: "" from "": no matches for kind "ServiceMonitor" in version "monitoring.coreos.com/v1"',
      code: 'helm-upgrade-failed',
      remedy: /does not know that kind/,
    },
    {
      name: 'a revision too large for a Secret',
      message:
        'create: failed to create: Secret "sh.helm" is invalid: data: Too long: must have at most 1048576 bytes',
      code: 'helm-upgrade-failed',
      remedy: /1 MiB/,
    },
    {
      name: 'a chart without its subcharts',
      message:
        'an error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: milvus',
      code: 'chart-not-found',
      remedy: /helm dependency build/,
    },
    {
      name: 'a wait that timed out',
      message: 'timed out waiting for the condition',
      code: 'helm-upgrade-timeout',
      remedy: /release-timeout/,
    },
    {
      name: 'a chart that rejects its values',
      message: 'execution error at (milvus/templates/deployment.yaml:27:28): standalone only',
      code: 'helm-upgrade-failed',
      remedy: /Correct values/,
    },
    {
      name: 'a template that cannot be rendered, Helm 4',
      message:
        'milvus/templates/service.yaml:9:21; executing "milvus/templates/service.yaml" at <$service.labels>:; can\'t evaluate field labels in type int64',
      code: 'helm-upgrade-failed',
      remedy: /Correct values/,
    },
    {
      name: 'a deleted release',
      message: '"milvus-demo" has no deployed releases',
      code: 'helm-upgrade-failed',
      remedy: /helm history/,
    },
  ])('$name', ({ message, code, remedy }) => {
    const error = upgradeFailure(`Error: UPGRADE FAILED: ${message}\n`, 1, target)
    expect([error.code, error.message, error.remedy]).toEqual([
      code,
      `Helm could not upgrade release milvus-demo: ${message}`,
      expect.stringMatching(remedy),
    ])
  })
})

describe('extractErrorMessage', () => {
  // The first nine from Helm 4.1.4 and 3.19 against the simulator or a real API; the rest quoted in
  // issues of Helm.
  test.each<{ name: string; stderr: string; expected: RegExp }>([
    {
      name: 'a missing chart',
      stderr:
        'Error: chart "milvus" version "9.9.9" not found in https://zilliztech.github.io/milvus-helm/ repository\n',
      expected: /^chart "milvus" version "9\.9\.9" not found in/,
    },
    {
      name: 'a missing release',
      stderr: 'Error: UPGRADE FAILED: "milvus-demo" has no deployed releases\n',
      expected: /^"milvus-demo" has no deployed releases$/,
    },
    {
      name: 'a locked release',
      stderr:
        'Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\n',
      expected: /^another operation/,
    },
    {
      name: 'a warning before the error',
      stderr:
        'WARNING: Kubernetes configuration file is group-readable. This is insecure. Location: /tmp/k\nError: Kubernetes cluster unreachable: the server has asked for the client to provide credentials\n',
      expected: /^Kubernetes cluster unreachable: the server has asked/,
    },
    {
      name: 'log lines of Helm 4 around the error',
      stderr:
        'level=WARN msg="unable to find exact version" version=x\nError: UPGRADE FAILED: timed out waiting for the condition\n',
      expected: /^timed out waiting for the condition$/,
    },
    {
      name: 'a timeout of Helm 4 on two lines',
      stderr:
        'Error: UPGRADE FAILED: resource Deployment/milvus/milvus-demo-proxy not ready. status: InProgress, message: Available: 0/1\ncontext deadline exceeded\n',
      expected: /milvus-demo-proxy not ready.*context deadline exceeded/,
    },
    {
      name: 'a schema violation with its reason on the next lines',
      stderr:
        "Error: UPGRADE FAILED: values don't meet the specifications of the schema(s) in the following chart(s):\nmilvus:\n- (root): Additional property x is not allowed\n",
      expected: /values don't meet.*Additional property x is not allowed/,
    },
    {
      name: 'several objects that cannot be patched',
      stderr:
        'Error: UPGRADE FAILED: cannot patch "a" with kind StatefulSet: is invalid: spec: Forbidden && cannot patch "b" with kind Service: is invalid\n',
      expected: /cannot patch "a".*cannot patch "b"/,
    },
    {
      name: 'two errors, of which the last is reported',
      stderr: 'Error: an earlier one\nhelm: retrying\nError: UPGRADE FAILED: the last\n',
      expected: /^the last$/,
    },
    {
      name: 'output without "Error:"',
      stderr: 'panic: runtime error\ngoroutine 1 [running]:\n\n',
      expected: /^goroutine 1/,
    },
    { name: 'no output', stderr: '', expected: /^$/ },
    { name: 'blank lines', stderr: '\n  \n', expected: /^$/ },
    { name: 'CRLF', stderr: 'Error: UPGRADE FAILED: x\r\n', expected: /^x$/ },
  ])('$name', ({ stderr, expected }) => {
    expect(extractErrorMessage(stderr)).toMatch(expected)
  })
})
