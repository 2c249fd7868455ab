/**
 * Behind a corporate proxy: the SDK, the Kubernetes client, Helm and the probe all use it, and
 * bypass it for NO_PROXY.
 */
import { expect } from '@jest/globals'
import { expectFailure, expectSuccess } from './expectations.ts'
import { startProxy, startTlsProxy } from './forward-proxy.ts'
import { scenario, setDefaultStart } from './harness.ts'

setDefaultStart('cluster-ip')

const clusterHost = 'api.production.example.com'

scenario(
  'names that only the proxy resolves: every request uses the proxy',
  async ({ environment, run }) => {
    // Only the proxy can resolve the load balancer's name.
    await environment.setDnsRecords({
      '*.elb.amazonaws.com': '',
      [environment.host]: environment.albAddress,
    })
    const proxy = await startProxy(
      (name) =>
        ({ [clusterHost]: '127.0.0.1', 'aws.example.com': '127.0.0.1' })[name] ??
        (name.endsWith('.elb.amazonaws.com') ? environment.albAddress : undefined),
    )
    try {
      const env = {
        HTTPS_PROXY: proxy.url,
        HTTP_PROXY: proxy.url,
        NO_PROXY: 'charts.example.com',
        AWS_ENDPOINT_URL: environment.aws.endpoint.replace('127.0.0.1', 'aws.example.com'),
      }
      const result = await run({}, { env })
      expectSuccess(result)
      const countProxied = (pattern: RegExp) =>
        proxy.requests.filter((request) => pattern.test(request)).length
      expect(countProxied(/^(GET|POST) http:\/\/aws\.example\.com/)).toBeGreaterThan(3)
      // The client and Helm.
      expect(countProxied(new RegExp(`^CONNECT ${clusterHost}`))).toBeGreaterThan(1)
      expect(
        countProxied(
          new RegExp(`^CONNECT k8s-.*\\.elb\\.amazonaws\\.com:${environment.listenPort}`),
        ),
      ).toBeGreaterThan(0)
      expect(result.log).toContain('proxy 127.0.0.1')
    } finally {
      await proxy.close()
    }
  },
  { clusterHost },
)

scenario('NO_PROXY is honored, and a proxy that rejects a request is named', async ({ run }) => {
  const proxy = await startProxy(() => undefined)
  try {
    expectSuccess(
      await run(
        {},
        {
          env: {
            HTTPS_PROXY: proxy.url,
            HTTP_PROXY: proxy.url,
            NO_PROXY: '127.0.0.1,.elb.amazonaws.com',
          },
        },
      ),
    )
    expect(proxy.requests).toEqual([])
    const rejectedRun = await run(
      { 'probe-timeout': '1s' },
      { env: { HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } },
    )
    expectFailure(rejectedRun, 'probe', 'probe-unreachable')
    expect(rejectedRun.log).toContain('does not connect to k8s-')
  } finally {
    await proxy.close()
  }
})

scenario('a corporate CA is trusted by the SDK and by Helm', async ({ environment, run }) => {
  const [aws, charts] = await Promise.all([
    startTlsProxy(environment, environment.aws.endpoint),
    startTlsProxy(environment, environment.chartRepository.url),
  ])
  try {
    const env = { AWS_ENDPOINT_URL: aws.url }
    expectSuccess(await run({ 'chart-repository': charts.url }, { env }))
    // Only AWS_CA_BUNDLE contains the CA now. AWS is reached; the probe, to which the bundle does
    // not apply, does not trust it.
    const bundleEnv = {
      ...env,
      AWS_CA_BUNDLE: environment.runnerEnv()['NODE_EXTRA_CA_CERTS'] ?? '',
      NODE_EXTRA_CA_CERTS: '',
    }
    expectFailure(await run({}, { env: bundleEnv }), 'preflight', 'probe-certificate-untrusted')
  } finally {
    aws.close()
    charts.close()
  }
})
