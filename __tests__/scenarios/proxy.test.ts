/** Behind a company's proxy: the SDK, the Kubernetes client, helm and the probe all go through it, and leave it out for NO_PROXY. */
import { expect } from '@jest/globals'
import { expectFailure, expectSuccess, scenario, scenariosStart } from './harness.ts'
import { behindTls, startProxy } from './proxy.ts'

scenariosStart('cluster-ip')

const clusterHost = 'api.production.example.com'

scenario('names that only the proxy resolves: everything goes through it', async ({ world, run }) => {
  // Nothing but the proxy knows the load balancer's name.
  await world.setNames({ '*.elb.amazonaws.com': '', [world.host]: world.albAddress })
  const proxy = await startProxy((name) => ({ [clusterHost]: '127.0.0.1', 'aws.example.com': '127.0.0.1' })[name] ?? (name.endsWith('.elb.amazonaws.com') ? world.albAddress : undefined))
  try {
    const environment = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, NO_PROXY: 'charts.example.com', AWS_ENDPOINT_URL: world.aws.endpoint.replace('127.0.0.1', 'aws.example.com') }
    const result = await run({}, { environment })
    expectSuccess(result)
    const through = (pattern: RegExp) => proxy.requests.filter((request) => pattern.test(request)).length
    expect(through(/^(GET|POST) http:\/\/aws\.example\.com/)).toBeGreaterThan(3)
    expect(through(new RegExp(`^CONNECT ${clusterHost}`))).toBeGreaterThan(1) // the client and helm
    expect(through(new RegExp(`^CONNECT k8s-.*\\.elb\\.amazonaws\\.com:${world.listenPort}`))).toBeGreaterThan(0)
    expect(result.log).toContain('proxy 127.0.0.1')
  } finally {
    await proxy.close()
  }
}, { clusterHost })

scenario('NO_PROXY is left out, and a proxy that refuses is named', async ({ run }) => {
  const proxy = await startProxy(() => undefined)
  try {
    expectSuccess(await run({}, { environment: { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1,.elb.amazonaws.com' } }))
    expect(proxy.requests).toEqual([])
    const refused = await run({ 'probe-timeout': '1s' }, { environment: { HTTPS_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } })
    expectFailure(refused, 'probe', 'probe-unreachable')
    expect(refused.log).toContain('makes no connection to k8s-')
  } finally {
    await proxy.close()
  }
})

scenario('an authority of the company is trusted by the SDK and by helm', async ({ world, run }) => {
  const [aws, charts] = await Promise.all([behindTls(world, world.aws.endpoint), behindTls(world, world.charts.url)])
  try {
    const environment = { AWS_ENDPOINT_URL: aws.url }
    expectSuccess(await run({ 'chart-repository': charts.url }, { environment }))
    // Only AWS_CA_BUNDLE knows the authority now: AWS is reached, and the probe, which it is not for, trusts nobody.
    const bundle = { ...environment, AWS_CA_BUNDLE: world.environment()['NODE_EXTRA_CA_CERTS'] ?? '', NODE_EXTRA_CA_CERTS: '' }
    expectFailure(await run({}, { environment: bundle }), 'probe', 'probe-certificate-untrusted')
  } finally {
    aws.close()
    charts.close()
  }
})
