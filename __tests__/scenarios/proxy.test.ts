/** Behind a company's proxy: the SDK, the Kubernetes client, helm and the probe all go through it, and leave it out for NO_PROXY. */
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect } from '@jest/globals'
import { loopbackServerPair } from '../../sandbox/certificates.ts'
import type { World } from '../../sandbox/world.ts'
import { expectFailure, expectSuccess, scenario } from './harness.ts'
import { startProxy } from './proxy.ts'

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
    expect(through(/^CONNECT k8s-.*\.elb\.amazonaws\.com:8443/)).toBeGreaterThan(0)
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

/** The same service behind TLS with a certificate of a company's own authority. */
async function behindTls(world: World, url: string): Promise<{ url: string; close(): void }> {
  const pair = await loopbackServerPair(world.authority)
  const onward = new URL(url)
  const server = https.createServer({ cert: pair.cert, key: pair.key }, (request, response) => {
    // The host header stays: it is part of AWS' signature.
    request.pipe(http.request({ host: onward.hostname, port: onward.port, path: request.url, method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', () => done()))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

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
