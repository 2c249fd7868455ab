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
  test.each<[string, string, code: string, remedy: RegExp]>([
    [
      'another operation in progress',
      'another operation (install/upgrade/rollback) is in progress',
      'release-pending',
      /helm status milvus-demo -n milvus/,
    ],
    [
      "the controller's webhook, helm 4",
      'Internal error occurred: failed calling webhook "mservice.elbv2.k8s.aws": failed to call webhook: Post "https://x": no endpoints available for service "aws-load-balancer-webhook-service"',
      'controller-webhook-unavailable',
      /aws-load-balancer-controller/,
    ],
    [
      "the controller's webhook, helm 3",
      'cannot patch "milvus-demo" with kind Service: Internal error occurred: failed calling webhook "mservice.elbv2.k8s.aws": failed to call webhook: Post "https://x": context deadline exceeded',
      'controller-webhook-unavailable',
      /aws-load-balancer-controller/,
    ],
    [
      'another webhook',
      'Internal error occurred: failed calling webhook "vault.hashicorp.com": failed to call webhook: context deadline exceeded',
      'helm-upgrade-failed',
      /server of that webhook is running/,
    ],
    [
      'a policy of the cluster',
      'admission webhook "validate.kyverno.svc-fail" denied the request: no LoadBalancer',
      'helm-upgrade-failed',
      /policy of the cluster/,
    ],
    [
      'a hook that failed',
      'pre-upgrade hooks failed: 1 error occurred:; * job milvus-demo-check failed: BackoffLimitExceeded',
      'helm-hook-failed',
      /kubectl logs job\/NAME -n milvus/,
    ],
    [
      'a hook that timed out',
      'post-upgrade hooks failed: 1 error occurred:; * timed out waiting for the condition',
      'helm-hook-failed',
      /kubectl get jobs,pods/,
    ],
    [
      'an exceeded quota',
      'create: failed to create: secrets is forbidden: exceeded quota: compute-resources, requested: count/secrets=1',
      'helm-upgrade-failed',
      /resourcequota/,
    ],
    [
      'a missing RBAC permission, helm 4',
      'services "milvus-demo" is forbidden: User "x" cannot patch resource "services" in API group "" in the namespace "milvus"',
      'cluster-forbidden',
      /rbac\.yaml/,
    ],
    [
      'a missing RBAC permission, helm 3',
      'could not get information about the resource: deployments.apps "x" is forbidden: User "x" cannot get resource "deployments"',
      'cluster-forbidden',
      /rbac\.yaml/,
    ],
    [
      'expired credentials',
      'query: failed to query with labels: Unauthorized',
      'cluster-unauthorized',
      /expired/,
    ],
    [
      'an unreachable API, helm 3',
      'Kubernetes cluster unreachable: the server is currently unable to handle the request',
      'cluster-unreachable',
      /again/,
    ],
    [
      'an unreachable API, helm 4',
      'kubernetes cluster unreachable: the server is currently unable to handle the request',
      'cluster-unreachable',
      /again/,
    ],
    [
      'a field of another field manager',
      'conflict occurred while applying object milvus/milvus-demo /v1, Kind=Service: Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .spec.type',
      'helm-upgrade-failed',
      /^kubectl-patch changed/,
    ],
    [
      'a concurrent write',
      'Operation cannot be fulfilled on services "milvus-demo": the object has been modified; please apply your changes to the latest version and try again',
      'helm-upgrade-failed',
      /at the same time/,
    ],
    [
      'an object outside the release',
      'Unable to continue with update: Service "x" in namespace "milvus" exists and cannot be imported into the current release: invalid ownership metadata',
      'helm-upgrade-failed',
      /belongs to another release or to none/,
    ],
    [
      'an immutable field of a StatefulSet',
      'StatefulSet.apps "x" is invalid: spec: Forbidden: updates to statefulset spec for fields other than \'replicas\' are forbidden',
      'helm-upgrade-failed',
      /does not allow changing that field/,
    ],
    [
      'an immutable selector',
      'cannot patch "x" with kind Deployment: Deployment.apps "x" is invalid: spec.selector: Invalid value: field is immutable',
      'helm-upgrade-failed',
      /does not allow changing that field/,
    ],
    [
      'an unknown kind',
      'resource mapping not found for name: "x" namespace: "" from "": no matches for kind "ServiceMonitor" in version "monitoring.coreos.com/v1"',
      'helm-upgrade-failed',
      /does not know that kind/,
    ],
    [
      'a revision too large for a Secret',
      'create: failed to create: Secret "sh.helm" is invalid: data: Too long: must have at most 1048576 bytes',
      'helm-upgrade-failed',
      /1 MiB/,
    ],
    [
      'a chart without its subcharts',
      'an error occurred while checking for chart dependencies. You may need to run `helm dependency build` to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: milvus',
      'chart-not-found',
      /helm dependency build/,
    ],
    [
      'a wait that timed out',
      'timed out waiting for the condition',
      'helm-upgrade-timeout',
      /release-timeout/,
    ],
    [
      'a chart that rejects its values',
      'execution error at (milvus/templates/deployment.yaml:27:28): standalone only',
      'helm-upgrade-failed',
      /Correct values/,
    ],
    [
      'a template that cannot be rendered, helm 4',
      'milvus/templates/service.yaml:9:21; executing "milvus/templates/service.yaml" at <$service.labels>:; can\'t evaluate field labels in type int64',
      'helm-upgrade-failed',
      /Correct values/,
    ],
    [
      'a deleted release',
      '"milvus-demo" has no deployed releases',
      'helm-upgrade-failed',
      /helm history/,
    ],
  ])('%s', (_, message, code, remedy) => {
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
  test.each<[string, string, code: string, remedy: RegExp]>([
    [
      'an unknown version',
      'chart "milvus" version "5.0.19" not found in https://charts.example.com repository',
      'chart-not-found',
      /set chart-version to an available version/,
    ],
    [
      'an unknown version in an added repository',
      'chart "milvus" matching 5.0.19 not found in target index. (try \'helm repo update\'): no chart version found for milvus-5.0.19',
      'chart-not-found',
      /chart-version/,
    ],
    [
      'a deleted archive',
      'failed to fetch https://charts.example.com/milvus-5.0.19.tgz : 404 Not Found',
      'chart-not-found',
      /If the chart has moved/,
    ],
    [
      'an unknown chart in a registry, helm 4',
      `${ociErrorPrefix}registry.example.com/charts/milvus:5.0.19: not found`,
      'chart-not-found',
      /chart-version/,
    ],
    [
      'an unknown chart in a registry, helm 3',
      'registry.example.com/charts/milvus:5.0.19: not found',
      'chart-not-found',
      /chart-version/,
    ],
    [
      'a missing index',
      `${invalidRepositoryPrefix}failed to fetch https://charts.example.com/index.yaml : 404 Not Found`,
      'chart-repository-unreachable',
      /no chart repository at https/,
    ],
    [
      'an HTML page instead of an index',
      `${invalidRepositoryPrefix}error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type repo.IndexFile`,
      'chart-repository-unreachable',
      /no chart repository/,
    ],
    [
      'missing credentials',
      `${invalidRepositoryPrefix}failed to fetch https://charts.example.com/index.yaml : 401 Unauthorized`,
      'chart-repository-unreachable',
      /^Set chart-username and chart-password/,
    ],
    [
      'insufficient permissions',
      `${invalidRepositoryPrefix}failed to fetch https://charts.example.com/index.yaml : 403 Forbidden`,
      'chart-repository-unreachable',
      /^Set chart-username/,
    ],
    [
      'a registry without credentials',
      `${ociErrorPrefix}GET "https://r/v2/charts/milvus/manifests/5.0.19": basic credential not found`,
      'chart-repository-unreachable',
      /^Set chart-username/,
    ],
    [
      'a registry that denies access',
      `${ociErrorPrefix}GET "https://r/v2/charts/milvus/manifests/5.0.19": response status code 403: Forbidden`,
      'chart-repository-unreachable',
      /^Set chart-username/,
    ],
    [
      'a refused connection',
      `${invalidRepositoryPrefix}Get "https://charts.example.com/index.yaml": dial tcp 127.0.0.1:1: connect: connection refused`,
      'chart-repository-unreachable',
      /when https:\/\/charts\.example\.com answers/,
    ],
    [
      'an unknown host',
      `${invalidRepositoryPrefix}Get "https://charts.example.com/index.yaml": dial tcp: lookup charts.example.com on 10.0.0.2:53: no such host`,
      'chart-repository-unreachable',
      /answers/,
    ],
    [
      'a server error',
      'failed to fetch https://charts.example.com/milvus-5.0.19.tgz : 503 Service Unavailable',
      'chart-repository-unreachable',
      /answers/,
    ],
    [
      'a closed connection',
      'Get "https://charts.example.com/milvus-5.0.19.tgz": EOF',
      'chart-repository-unreachable',
      /answers/,
    ],
    [
      'an untrusted certificate',
      `${invalidRepositoryPrefix}Get "https://charts.example.com/index.yaml": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
      'chart-repository-unreachable',
      /NODE_EXTRA_CA_CERTS/,
    ],
  ])('%s', (_, message, code, remedy) => {
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

  test.each<
    [
      string,
      {
        readonly chart: Partial<Parameters<typeof chartFailure>[1]>
        readonly message: string
        readonly code: string
        readonly remedy: RegExp
      },
    ]
  >([
    [
      'a deleted archive',
      {
        chart: { kind: 'archive' },
        message: 'failed to fetch https://charts.example.com/milvus.tgz : 404 Not Found',
        code: 'chart-not-found',
        remedy: /^Correct the URL in chart/,
      },
    ],
    [
      'a private archive',
      {
        chart: { kind: 'archive' },
        message: 'failed to fetch https://charts.example.com/milvus.tgz : 401 Unauthorized',
        code: 'chart-repository-unreachable',
        remedy: /^helm sends no credentials to the URL of an archive/,
      },
    ],
    [
      'an alias when helm has no repositories',
      {
        chart: { kind: 'path-or-alias', name: 'corp/milvus' },
        message: 'no repositories found. You must add one before updating',
        code: 'chart-not-found',
        remedy:
          /chart to milvus; or add the repository before this step \("helm repo add corp URL"\)/,
      },
    ],
    [
      'an unknown alias',
      {
        chart: { kind: 'path-or-alias', name: 'corp/milvus' },
        message: "no repositories found matching 'corp'.  Nothing will be updated",
        code: 'chart-not-found',
        remedy: /helm repo add corp URL/,
      },
    ],
    [
      'an alias whose credentials are rejected',
      {
        chart: { kind: 'path-or-alias', name: 'corp/milvus', source: 'helm repository corp' },
        message: 'failed to fetch https://charts.example.com/index.yaml : 401 Unauthorized',
        code: 'chart-repository-unreachable',
        remedy: /^The credentials with which helm repository corp was added/,
      },
    ],
  ])('%s', (_, { chart, message, code, remedy }) => {
    const error = chartFailure(message, { ...chartSource, ...chart })
    expect([error.code, error.remedy]).toEqual([code, expect.stringMatching(remedy)])
  })

  const createUpdateOutput = (reason: string): string =>
    `Hang tight while we grab the latest from your chart repositories...\n...Unable to get an update from the "corp" chart repository (https://charts.example.com):\n\t${reason}\nUpdate Complete.\n`
  test.each<[string, Parameters<typeof extractFetchError>, string | undefined]>([
    [
      'an update that failed, helm 3',
      [0, createUpdateOutput('failed to fetch https://x/index.yaml : 503 Service Unavailable'), ''],
      'failed to fetch https://x/index.yaml : 503 Service Unavailable',
    ],
    [
      'an update that failed, helm 4',
      [
        1,
        createUpdateOutput('failed to fetch https://x/index.yaml : 503 Service Unavailable'),
        'Error: failed to update the following repositories: [https://x]\n',
      ],
      'failed to fetch https://x/index.yaml : 503 Service Unavailable',
    ],
    ['a chart that was fetched', [0, '', ''], undefined],
    ['a chart that was not fetched', [1, '', 'Error: EOF\n'], 'EOF'],
  ])('extractFetchError: %s', (_, fetchResult, message) => {
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
