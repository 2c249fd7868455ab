import { describe, expect, test } from '@jest/globals'
import { chartFailure, extractFetchError, isTransient } from '../../../src/clients/helm/failures.ts'

describe('chartFailure', () => {
  const chartSource = {
    kind: 'repository',
    name: 'milvus',
    version: '5.0.19',
    source: 'https://charts.example.com',
    hasCredentials: false,
    hasCheckout: true,
  } as const
  const invalidRepositoryPrefix =
    'looks like "https://charts.example.com" is not a valid chart repository or cannot be reached: '
  const ociErrorPrefix = 'failed to perform "FetchReference" on source: '
  // What Helm 4.1.4 and 3.17.3 printed.
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
      name: 'an unknown chart in a registry, Helm 4',
      message: `${ociErrorPrefix}registry.example.com/charts/milvus:5.0.19: not found`,
      code: 'chart-not-found',
      remedy: /chart-version/,
    },
    {
      name: 'an unknown chart in a registry, Helm 3',
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
      `Helm could not fetch chart milvus 5.0.19 from https://charts.example.com: ${message}`,
      expect.stringMatching(remedy),
    ])
  })

  test('reports rejected credentials', () => {
    expect(
      chartFailure('401 Unauthorized: 401 ', { ...chartSource, hasCredentials: true }).remedy,
    ).toMatch(/^https:\/\/charts\.example\.com rejects chart-username and chart-password/)
  })

  test('describes a killed Helm process without output', () => {
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
      remedy: /^Helm sends no credentials to the URL of an archive/,
    },
    {
      name: 'an alias when Helm has no repositories',
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
      chart: { kind: 'path-or-alias', name: 'corp/milvus', source: 'Helm repository corp' },
      message: 'failed to fetch https://charts.example.com/index.yaml : 401 Unauthorized',
      code: 'chart-repository-unreachable',
      remedy: /^The credentials with which Helm repository corp was added/,
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
      name: 'an update that failed, Helm 3',
      fetchResult: [
        0,
        createUpdateOutput('failed to fetch https://x/index.yaml : 503 Service Unavailable'),
        '',
      ],
      message: 'failed to fetch https://x/index.yaml : 503 Service Unavailable',
    },
    {
      name: 'an update that failed, Helm 4',
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

  // What Helm 4.1.4 and 3.17.3 printed; the timeouts as Go says them.
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
