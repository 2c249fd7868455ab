/** Mutual TLS: trust stores, and what a listener does with client certificates. */
import { once } from 'node:events'
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import {
  DescribeListenersCommand,
  DescribeTrustStoresCommand,
  ModifyListenerCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { createTrustStore } from '../../simulator/aws/elbv2-mutual-tls.ts'
import type { CertificateOptions } from '../../testing/certificates.ts'
import { getErrorText } from './aws-account.ts'
import {
  HOST,
  alb,
  authority,
  loadBalancer,
  port,
  startFixture,
  startMilvusServer,
  stopFixture,
  stopMilvusServer,
} from './alb-fixture.ts'
import { account, createListener, startAccount, stopAccount } from './elbv2-fixture.ts'

beforeAll(startMilvusServer)
afterAll(stopMilvusServer)
beforeEach(() => Promise.all([startAccount(), startFixture()]))
afterEach(() => Promise.all([stopAccount(), stopFixture()]))

test('a listener names a trust store that exists, and keeps it until it is told otherwise', async () => {
  const { elb, aws } = account
  createTrustStore(aws.state, 'clients', authority.root)
  const { TrustStores = [] } = await elb.send(
    new DescribeTrustStoresCommand({ Names: ['clients'] }),
  )
  const TrustStoreArn = TrustStores[0]?.TrustStoreArn ?? ''
  expect(TrustStoreArn).toMatch(/:truststore\/clients\/\w+$/)
  expect(await getErrorText(elb.send(new DescribeTrustStoresCommand({ Names: ['others'] })))).toBe(
    "TrustStoreNotFoundException: Trust store 'others' not found",
  )

  const certificateArn = await account.importCertificate()
  const ListenerArn = await createListener({ Certificates: [{ CertificateArn: certificateArn }] })
  const modify = (MutualAuthentication: object | undefined) =>
    elb.send(new ModifyListenerCommand({ ListenerArn, MutualAuthentication }))
  const describe = async () =>
    (await elb.send(new DescribeListenersCommand({ ListenerArns: [ListenerArn] }))).Listeners?.[0]
      ?.MutualAuthentication
  expect(await describe()).toEqual({ Mode: 'off' })
  const verify = { Mode: 'verify', TrustStoreArn, IgnoreClientCertificateExpiry: false }
  await modify(verify)
  expect(await describe()).toEqual(verify)
  await modify(undefined)
  expect(await describe()).toEqual(verify)
  expect(await getErrorText(modify({ Mode: 'verify', TrustStoreArn: 'arn:none' }))).toBe(
    "TrustStoreNotFoundException: Trust store 'arn:none' not found",
  )
  await modify({ Mode: 'off' })
  expect(await describe()).toEqual({ Mode: 'off' })
})

const expired = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') }

test.each<{
  name: string
  mode: string
  ignoresExpiry?: boolean
  client?: Partial<CertificateOptions>
  isAccepted: boolean
}>([
  { name: 'off: no certificate', mode: 'off', isAccepted: true },
  { name: 'passthrough: no certificate', mode: 'passthrough', isAccepted: true },
  { name: 'passthrough: an expired one', mode: 'passthrough', client: expired, isAccepted: true },
  { name: 'verify: no certificate', mode: 'verify', isAccepted: false },
  { name: 'verify: one of the trust store', mode: 'verify', client: {}, isAccepted: true },
  { name: 'verify: an expired one', mode: 'verify', client: expired, isAccepted: false },
  {
    name: 'verify: an expired one, with its expiry ignored',
    mode: 'verify',
    ignoresExpiry: true,
    client: expired,
    isAccepted: true,
  },
  {
    name: 'verify: one for servers',
    mode: 'verify',
    client: { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] },
    isAccepted: false,
  },
])('$name', async ({ mode, ignoresExpiry = false, client, isAccepted }) => {
  const trustStore = { arn: 'arn:store', name: 'clients', certificates: authority.root }
  for (const listener of loadBalancer.listeners)
    listener.mutualAuthentication = {
      mode,
      trustStore: mode === 'verify' ? trustStore : undefined,
      ignoresExpiry,
    }
  await alb.sync()
  const issued =
    client &&
    (await authority.issue({
      hosts: [],
      commonName: 'client',
      keyAlgorithm: 'EC_prime256v1',
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
      ...client,
    }))
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: HOST,
    ca: authority.root,
    ALPNProtocols: ['http/1.1'],
    ...(issued && { cert: issued.fullchain, key: issued.privateKey }),
  })
  socket.on('secureConnect', () => socket.write(`GET / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`))
  const outcome = once(socket, 'data').then(
    () => true,
    () => false,
  )
  expect(await outcome).toBe(isAccepted)
  socket.destroy()
})
