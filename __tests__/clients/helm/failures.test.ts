import { describe, expect, test } from '@jest/globals'
import {
  chartFailure,
  extractFetchError,
  isTransient,
  upgradeFailure,
} from '../../../src/clients/helm/failures.ts'

const target = { release: 'milvus-demo', namespace: 'milvus' }

describe('upgradeFailure', () => {
  // What helm 4.1.4 and 3.17.3 printed against a real or the simulator's API; the hooks' and the
  // last six as quoted in issues of helm.
  test.each<{ name: string; message: string; code: string; remedy: RegExp }>([
    {
      name: 'another operation in progress',
      message: 'another operation (install/upgrade/rollback) is in progress',
      code: 'release-pending',
      remedy: /helm status milvus-demo -n milvus/,
    },
    {
      name: "the controller's webhook, helm 4",
      message:
        'Internal error occurred: failed calling webhook "mservice.elbv2.k8s.aws": failed to call webhook: Post "https://x": no endpoints available for service "aws-load-balancer-webhook-service"',
      code: 'controller-webhook-unavailable',
      remedy: /aws-load-balancer-controller/,
    },
    {
      name: "the controller's webhook, helm 3",
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
      name: 'a missing RBAC permission, helm 4',
      message:
        'services "milvus-demo" is forbidden: User "x" cannot patch resource "services" in API group "" in the namespace "milvus"',
      code: 'cluster-forbidden',
      remedy: /rbac\.yaml/,
    },
    {
      name: 'a missing RBAC permission, helm 3',
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
      name: 'an unreachable API, helm 3',
      message:
        'Kubernetes cluster unreachable: the server is currently unable to handle the request',
      code: 'cluster-unreachable',
      remedy: /again/,
    },
    {
      name: 'an unreachable API, helm 4',
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
      name: 'a template that cannot be rendered, helm 4',
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
      `helm could not upgrade release milvus-demo: ${message}`,
      expect.stringMatching(remedy),
    ])
  })
})

describe('chartFailure', () => {
  const chartSource = {
    kind: 'repository',
    name: 'milvus',
    version: '5.0.19',
    source: 'https://charts.example.com',
    hasCredentials: false,
  } as const
  const invalidRepositoryPrefix =
    'looks like "https://charts.example.com" is not a valid chart repository or cannot be reached: '
  const ociErrorPrefix = 'failed to perform "FetchReference" on source: '
  // What helm 4.1.4 and 3.17.3 printed.
  test.each<{ name: string; message: string; code: string; remedy: RegExp }>([
    {
      name: 'an unknown version',
      message: 'chart "milvus" version "5.0.19" not found in https://charts.example.com repository',
      code: 'chart-not-found',
      remedy: /set chart-version to an available version/,
    },
    {
      name: 'an unknown version in an added repository',
      message:
        'chart "milvus" matching 5.0.19 not found in target index. (try \'helm repo update\'): no chart version found for milvus-5.0.19',
      code: 'chart-not-found',
      remedy: /chart-version/,
    },
    {
      name: 'a deleted archive',
      message: 'failed to fetch https://charts.example.com/milvus-5.0.19.tgz : 404 Not Found',
      code: 'chart-not-found',
      remedy: /If the chart has moved/,
    },
    {
      name: 'an unknown chart in a registry, helm 4',
      message: `${ociErrorPrefix}registry.example.com/charts/milvus:5.0.19: not found`,
      code: 'chart-not-found',
      remedy: /chart-version/,
    },
    {
      name: 'an unknown chart in a registry, helm 3',
      message: 'registry.example.com/charts/milvus:5.0.19: not found',
      code: 'chart-not-found',
      remedy: /chart-version/,
    },
    {
      name: 'a missing index',
      message: `${invalidRepositoryPrefix}failed to fetch https://charts.example.com/index.yaml : 404 Not Found`,
      code: 'chart-repository-unreachable',
      remedy: /no chart repository at https/,
    },
    {
      name: 'an HTML page instead of an index',
      message: `${invalidRepositoryPrefix}error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type repo.IndexFile`,
      code: 'chart-repository-unreachable',
      remedy: /no chart repository/,
    },
    {
      name: 'missing credentials',
      message: `${invalidRepositoryPrefix}failed to fetch https://charts.example.com/index.yaml : 401 Unauthorized`,
      code: 'chart-repository-unreachable',
      remedy: /^Set chart-username and chart-password/,
    },
    {
      name: 'insufficient permissions',
      message: `${invalidRepositoryPrefix}failed to fetch https://charts.example.com/index.yaml : 403 Forbidden`,
      code: 'chart-repository-unreachable',
      remedy: /^Set chart-username/,
    },
    {
      name: 'a registry without credentials',
      message: `${ociErrorPrefix}GET "https://r/v2/charts/milvus/manifests/5.0.19": basic credential not found`,
      code: 'chart-repository-unreachable',
      remedy: /^Set chart-username/,
    },
    {
      name: 'a registry that denies access',
      message: `${ociErrorPrefix}GET "https://r/v2/charts/milvus/manifests/5.0.19": response status code 403: Forbidden`,
      code: 'chart-repository-unreachable',
      remedy: /^Set chart-username/,
    },
    {
      name: 'a refused connection',
      message: `${invalidRepositoryPrefix}Get "https://charts.example.com/index.yaml": dial tcp 127.0.0.1:1: connect: connection refused`,
      code: 'chart-repository-unreachable',
      remedy: /when https:\/\/charts\.example\.com answers/,
    },
    {
      name: 'an unknown host',
      message: `${invalidRepositoryPrefix}Get "https://charts.example.com/index.yaml": dial tcp: lookup charts.example.com on 10.0.0.2:53: no such host`,
      code: 'chart-repository-unreachable',
      remedy: /answers/,
    },
    {
      name: 'a server error',
      message:
        'failed to fetch https://charts.example.com/milvus-5.0.19.tgz : 503 Service Unavailable',
      code: 'chart-repository-unreachable',
      remedy: /answers/,
    },
    {
      name: 'a closed connection',
      message: 'Get "https://charts.example.com/milvus-5.0.19.tgz": EOF',
      code: 'chart-repository-unreachable',
      remedy: /answers/,
    },
    {
      name: 'an untrusted certificate',
      message: `${invalidRepositoryPrefix}Get "https://charts.example.com/index.yaml": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
      code: 'chart-repository-unreachable',
      remedy: /NODE_EXTRA_CA_CERTS/,
    },
  ])('$name', ({ message, code, remedy }) => {
    const error = chartFailure(extractFetchError(1, '', `Error: ${message}\n`) ?? '', chartSource)
    expect([error.code, error.message, error.remedy]).toEqual([
      code,
      `helm could not fetch chart milvus 5.0.19 from https://charts.example.com: ${message}`,
      expect.stringMatching(remedy),
    ])
  })

  test('reports rejected credentials', () => {
    expect(
      chartFailure('401 Unauthorized: 401 ', { ...chartSource, hasCredentials: true }).remedy,
    ).toMatch(/^https:\/\/charts\.example\.com rejects chart-username and chart-password/)
  })

  test('describes a killed helm without output', () => {
    expect(extractFetchError(null, '', '')).toBe('it was ended by a signal')
  })

  test.each<{
    readonly name: string

    readonly chart: Partial<Parameters<typeof chartFailure>[1]>
    readonly message: string
    readonly code: string
    readonly remedy: RegExp
  }>([
    {
      name: 'a deleted archive',
      chart: { kind: 'archive' },
      message: 'failed to fetch https://charts.example.com/milvus.tgz : 404 Not Found',
      code: 'chart-not-found',
      remedy: /^Correct the URL in chart/,
    },
    {
      name: 'a private archive',
      chart: { kind: 'archive' },
      message: 'failed to fetch https://charts.example.com/milvus.tgz : 401 Unauthorized',
      code: 'chart-repository-unreachable',
      remedy: /^helm sends no credentials to the URL of an archive/,
    },
    {
      name: 'an alias when helm has no repositories',
      chart: { kind: 'path-or-alias', name: 'corp/milvus' },
      message: 'no repositories found. You must add one before updating',
      code: 'chart-not-found',
      remedy:
        /chart to milvus; or add the repository before this step \("helm repo add corp URL"\)/,
    },
    {
      name: 'an unknown alias',
      chart: { kind: 'path-or-alias', name: 'corp/milvus' },
      message: "no repositories found matching 'corp'.  Nothing will be updated",
      code: 'chart-not-found',
      remedy: /helm repo add corp URL/,
    },
    {
      name: 'an alias whose credentials are rejected',
      chart: { kind: 'path-or-alias', name: 'corp/milvus', source: 'helm repository corp' },
      message: 'failed to fetch https://charts.example.com/index.yaml : 401 Unauthorized',
      code: 'chart-repository-unreachable',
      remedy: /^The credentials with which helm repository corp was added/,
    },
  ])('$name', ({ chart, message, code, remedy }) => {
    const error = chartFailure(message, { ...chartSource, ...chart })
    expect([error.code, error.remedy]).toEqual([code, expect.stringMatching(remedy)])
  })

  const createUpdateOutput = (reason: string): string =>
    `Hang tight while we grab the latest from your chart repositories...\n...Unable to get an update from the "corp" chart repository (https://charts.example.com):\n\t${reason}\nUpdate Complete.\n`
  test.each<{
    name: string
    fetchResult: Parameters<typeof extractFetchError>
    message: string | undefined
  }>([
    {
      name: 'an update that failed, helm 3',
      fetchResult: [
        0,
        createUpdateOutput('failed to fetch https://x/index.yaml : 503 Service Unavailable'),
        '',
      ],
      message: 'failed to fetch https://x/index.yaml : 503 Service Unavailable',
    },
    {
      name: 'an update that failed, helm 4',
      fetchResult: [
        1,
        createUpdateOutput('failed to fetch https://x/index.yaml : 503 Service Unavailable'),
        'Error: failed to update the following repositories: [https://x]\n',
      ],
      message: 'failed to fetch https://x/index.yaml : 503 Service Unavailable',
    },
    { name: 'a chart that was fetched', fetchResult: [0, '', ''], message: undefined },
    { name: 'a chart that was not fetched', fetchResult: [1, '', 'Error: EOF\n'], message: 'EOF' },
  ])('extractFetchError: $name', ({ fetchResult, message }) => {
    expect(extractFetchError(...fetchResult)).toBe(message)
  })

  // What helm 4.1.4 and 3.17.3 printed; the timeouts as Go says them.
  test.each<[message: string, transient: boolean]>([
    [
      `${invalidRepositoryPrefix}failed to fetch https://charts.example.com/index.yaml : 503 Service Unavailable`,
      true,
    ],
    [
      `${invalidRepositoryPrefix}failed to fetch https://charts.example.com/index.yaml : 429 Too Many Requests`,
      true,
    ],
    ['failed to fetch https://charts.example.com/milvus-5.0.19.tgz : 502 Bad Gateway', true],
    [
      `${ociErrorPrefix}GET "https://r/v2/charts/milvus/manifests/5.0.19": response status code 503: Service Unavailable`,
      true,
    ],
    [
      'unexpected status from HEAD request to https://r/v2/charts/milvus/manifests/5.0.19: 503 Service Unavailable',
      true,
    ],
    ['Get "https://charts.example.com/milvus-5.0.19.tgz": EOF', true],
    ['read tcp 10.0.0.2:51000->10.0.0.3:443: read: connection reset by peer', true],
    ['dial tcp 10.0.0.3:443: i/o timeout', true],
    ['net/http: TLS handshake timeout', true],
    ['context deadline exceeded (Client.Timeout exceeded while awaiting headers)', true],
    ['lookup charts.example.com on 10.0.0.2:53: server misbehaving', true],
    [
      `${invalidRepositoryPrefix}failed to fetch https://charts.example.com/index.yaml : 401 Unauthorized`,
      false,
    ],
    [
      `${invalidRepositoryPrefix}failed to fetch https://charts.example.com/index.yaml : 404 Not Found`,
      false,
    ],
    [
      `${ociErrorPrefix}GET "https://r/v2/charts/milvus/manifests/5.0.19": response status code 403: Forbidden`,
      false,
    ],
    ['registry.example.com:503/charts/milvus:5.0.19: not found', false],
    ['chart "milvus" version "5.0.19" not found in https://charts.example.com repository', false],
    ['dial tcp 127.0.0.1:1: connect: connection refused', false],
    ['lookup charts.example.com on 10.0.0.2:53: no such host', false],
    ['tls: failed to verify certificate: x509: certificate signed by unknown authority', false],
  ])('isTransient: %s: %s', (message, expected) => {
    expect(isTransient(message)).toBe(expected)
  })
})
