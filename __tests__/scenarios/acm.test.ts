/** ACM as it answers in the field: throttled, in pages, at its quotas, under an organization's policies, and with certificates in every state. */
import { setTimeout } from 'node:timers/promises'
import { expect } from '@jest/globals'
import { selfSigned } from '../../sandbox/certificates.ts'
import { certificates, get, importByHand, inAcm } from './hands.ts'
import { annotation, changed, expectFailure, expectSuccess, expectUnchanged, sandboxScenario, scenario, scenariosStart, type Scenario } from './harness.ts'

scenariosStart('cluster-ip')

const day = 86_400_000
const ofAcm = (code: string, message: string) => ({ part: 'acm', error: { status: 400, code, message } }) as const
const throttled = ofAcm('ThrottlingException', 'Rate exceeded')

/** How often each operation was asked of ACM since `from`. */
const asked = ({ world }: Pick<Scenario, 'world'>, operation: string): number => world.traffic.requests.filter((request) => request.part === 'acm' && request.operation === operation).length

scenario('a throttled ACM is asked again, a bounded number of times, and a first import never blindly', async (scenario) => {
  const { world, run } = scenario
  world.traffic.inject({ ...throttled, operation: 'ListCertificates', times: 2 })
  world.traffic.inject({ ...throttled, operation: 'ImportCertificate', times: 1 })
  const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
  expect(await certificates(world)).toHaveLength(1)
  // Two refused and two answered: one before the import, one to look whether the throttled import has arrived.
  expect([asked(scenario, 'ListCertificates') - 1, asked(scenario, 'ImportCertificate')]).toEqual([4, 2])
  const renewed = await world.authority.issue({ hosts: [world.host] })
  world.traffic.inject({ ...throttled, operation: 'GetCertificate', times: 2 })
  world.traffic.inject({ ...throttled, operation: 'ListTagsForCertificate', times: 2 })
  world.traffic.inject({ ...throttled, operation: 'ImportCertificate', times: 2 })
  expect(expectSuccess(await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey })).outputs['certificate-arn']).toBe(arn)
  expect(asked(scenario, 'ImportCertificate')).toBe(5)
})

scenario('an ACM that throttles for good fails the run after a bounded number of calls', async (scenario) => {
  scenario.world.traffic.inject({ ...throttled, operation: 'ListCertificates' })
  const result = await scenario.run()
  expectFailure(result, 'certificate', 'aws-request-failed')
  expect(annotation(result)).toContain('AWS throttles acm:ListCertificates, after several attempts too: Rate exceeded')
  expect(asked(scenario, 'ListCertificates')).toBe(4)
})

scenario('the quota of imports in a year and that of certificates kept are told apart', async ({ world, run }) => {
  for (const [message, problem, remedy] of [
    ['Error: you have reached your limit of 20 certificates in the last year.', 'the imports of the last 365 days are used up', 'replace-certificate: true'],
    ['You have reached the maximum number of certificates. Delete certificates that are not in use, or contact AWS Support to request an increase.', 'ACM keeps no further certificate', 'Delete certificates that nothing uses'],
  ] as const) {
    world.traffic.inject({ ...ofAcm('LimitExceededException', message), operation: 'ImportCertificate', times: 1 })
    const result = await run()
    expectFailure(result, 'certificate', 'certificate-quota-exceeded')
    for (const part of [message, problem, remedy]) expect(annotation(result)).toContain(part)
  }
})

scenario("tags that an organization demands: its tag policy and its service control policy lead to input tags", async ({ world, run }) => {
  for (const [code, message, failure] of [
    ['TagPolicyException', 'The tag policy does not allow the specified value for the following tag key: \'team\'.', 'certificate-refused'],
    ['TooManyTagsException', 'the TagSet contains too many Tags', 'certificate-refused'],
    ['AccessDeniedException', 'User: x is not authorized to perform: acm:ImportCertificate with an explicit deny in a service control policy', 'aws-access-denied'],
  ] as const) {
    world.traffic.inject({ ...ofAcm(code, message), operation: 'ImportCertificate', times: 1 })
    const result = await run()
    expectFailure(result, 'certificate', failure)
    expect(annotation(result)).toContain(message)
    expect(annotation(result)).toMatch(/input tags|give them as input tags/)
  }
  const { 'certificate-arn': arn } = expectSuccess(await run({ tags: 'team: search' })).outputs
  expect((await inAcm(world, arn))?.tags).toMatchObject({ team: 'search', 'milvus-alb-action/host': world.host })
})

sandboxScenario('moto has one page of any size', 'ours on the last of many pages is found', async ({ world, run }) => {
  const other = await world.authority.issue({ hosts: ['other.example.com'] })
  const first = await importByHand(world, other)
  const held = world.state.certificates.get(first)
  if (!held) throw new Error('the import is not there')
  for (let number = 0; number < 1_100; number += 1) world.state.certificates.set(`${first}${number}`, { ...held, arn: `${first}${number}`, tags: new Map() })
  const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
  const before = world.traffic.requests.length
  expectUnchanged(await run())
  const since = world.traffic.requests.slice(before)
  expect(since.filter(({ operation }) => operation === 'ListCertificates').length).toBeGreaterThan(1)
  expect(since.filter(({ operation }) => ['GetCertificate', 'ListTagsForCertificate'].includes(operation)).map(({ body }) => (JSON.parse(body) as { CertificateArn: string }).CertificateArn)).toEqual([arn, arn])
})

scenario('an Ingress that was deleted by hand: our certificate is found again, and none is imported', async ({ world, run, writes }) => {
  const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
  await world.kubectl('delete', 'ingress', 'milvus-demo', '--wait=false')
  while ((await get(world, 'ingress', 'milvus-demo')) !== undefined) await setTimeout(100)
  const again = expectSuccess(await run())
  expect(again.outputs['certificate-arn']).toBe(arn)
  expect(writes().filter((write) => write.startsWith('acm'))).toEqual([])
})

scenario('an Ingress that somebody moved to another certificate: ours is named, and taken back when that is asked for', async ({ world, run }) => {
  const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
  const other = await importByHand(world, await world.authority.issue({ hosts: ['other.example.com'] }))
  await world.kubectl('annotate', 'ingress', 'milvus-demo', `alb.ingress.kubernetes.io/certificate-arn=${other}`, '--overwrite')
  expectFailure(await run(), 'ingress', 'ingress-conflict')
  const back = expectSuccess(await run({ 'force-conflicts': 'true' }))
  expect([back.outputs['certificate-arn'], changed(back)]).toEqual([arn, ['ingress certificate-arn']])
})

sandboxScenario('moto makes no certificate that is not issued', 'a certificate behind certificate-arn that no ALB should serve is said as what it is', async ({ world, run, writes }) => {
  const arn = await importByHand(world)
  const held = world.state.certificates.get(arn)
  if (!held) throw new Error('the import is not there')
  const record = { Name: '_x.milvus.example.com.', Type: 'CNAME', Value: '_y.acm-validations.aws.' }
  for (const [detail, said] of [
    [{ Status: 'PENDING_VALIDATION', Type: 'AMAZON_ISSUED', DomainValidationOptions: [{ DomainName: world.host, ValidationStatus: 'PENDING_VALIDATION', ResourceRecord: record }] }, 'is not issued yet. What to do: Make the DNS record _x.milvus.example.com. CNAME _y.acm-validations.aws.'],
    [{ Status: 'VALIDATION_TIMED_OUT', Type: 'AMAZON_ISSUED' }, 'nobody validated it within 72 hours'],
    [{ Status: 'FAILED', Type: 'AMAZON_ISSUED', FailureReason: 'CAA_ERROR' }, 'its request failed: CAA_ERROR'],
    [{ Status: 'REVOKED', RevocationReason: 'KEY_COMPROMISE' }, 'is revoked (KEY_COMPROMISE)'],
    [{ Status: 'INACTIVE' }, 'is inactive'],
  ] as const) {
    held.detail = detail
    const result = await run({ certificate: '', 'private-key': '', 'certificate-arn': arn })
    expectFailure(result, 'certificate', 'certificate-not-issued')
    expect(annotation(result).replace(/\s+/g, ' ')).toContain(said)
    expect(writes()).toEqual([])
  }
})

sandboxScenario('moto renews nothing', 'an end that is near is no warning for a certificate that ACM renews, and one when it cannot', async ({ world, run }) => {
  const arn = await importByHand(world, await world.authority.issue({ hosts: [world.host], notBefore: new Date(Date.now() - 80 * day), days: 9 }))
  const held = world.state.certificates.get(arn)
  if (!held) throw new Error('the import is not there')
  const inputs = { certificate: '', 'private-key': '', 'certificate-arn': arn }
  held.detail = { Type: 'AMAZON_ISSUED', RenewalEligibility: 'ELIGIBLE' }
  expect(expectSuccess(await run(inputs)).log).not.toMatch(/^::warning .*ends in/m)
  held.detail = { Type: 'AMAZON_ISSUED', RenewalEligibility: 'ELIGIBLE', RenewalSummary: { RenewalStatus: 'PENDING_VALIDATION', DomainValidationOptions: [{ DomainName: world.host, ValidationStatus: 'PENDING_VALIDATION', ResourceRecord: { Name: '_x', Type: 'CNAME', Value: '_y' } }], UpdatedAt: 0 } }
  expect((await run(inputs)).log).toMatch(/^::warning .*ends in 8 days, .*ACM cannot renew it \(PENDING_VALIDATION\): Make the DNS record _x CNAME _y/m)
  // Without the permission to describe it, it is taken for one that was imported.
  world.aws.authorize = (_principal, action) => action !== 'acm:DescribeCertificate'
  expect(expectSuccess(await run(inputs)).log).toMatch(/^::warning .*ACM does not renew imported certificates/m)
})

scenario('days left: the default is the smaller of 30 and a third of the lifetime, and expiry-warning says otherwise', async ({ world, run }) => {
  const now = Date.now()
  const warns = async (lifetime: number, left: number, more: Record<string, string> = {}): Promise<boolean> => {
    const { fullchain, privateKey } = await world.authority.issue({ hosts: [world.host], notBefore: new Date(now - (lifetime - left) * day), notAfter: new Date(now + left * day) })
    // The namespace is not there, so that nothing changes; what preflight says of the certificate it says first.
    return /^::warning .*ends in \d+ days?, on /m.test((await run({ certificate: fullchain, 'private-key': privateKey, namespace: 'nowhere', ...more })).log)
  }
  const cases: readonly (readonly [lifetime: number, left: number, more: Record<string, string>, expected: boolean])[] = [
    [398, 31, {}, false], [398, 29, {}, true], [90, 31, {}, false], [90, 29, {}, true], [6, 2.5, {}, false], [6, 1.5, {}, true],
    [398, 60, { 'expiry-warning': '90' }, true], [90, 1, { 'expiry-warning': '0' }, false], [90, 10, { 'expiry-warning': '7d' }, false],
  ]
  for (const [lifetime, left, more, expected] of cases) expect([lifetime, left, more, await warns(lifetime, left, more)]).toEqual([lifetime, left, more, expected])
})

scenario("Let's Encrypt's fullchain as chain too, the root with it, and the chain upside down are all fine", async ({ world, run }) => {
  const { certificate, fullchain, chain, privateKey } = world.certificate
  expectSuccess(await run({ certificate, 'certificate-chain': fullchain, 'private-key': privateKey }))
  for (const inputs of [{ certificate: fullchain, 'certificate-chain': fullchain }, { certificate, 'certificate-chain': chain }, { certificate: chain + certificate, 'certificate-chain': '' }]) {
    expectUnchanged(await run({ 'private-key': privateKey, ...inputs }))
  }
  const withRoot = await run({ certificate: fullchain, 'certificate-chain': world.authority.root, 'private-key': privateKey })
  expect(expectSuccess(withRoot).log).not.toContain('not given in order')
})

scenario('a chain that is in probe-ca only is found there, with a note', async ({ world, run }) => {
  const { certificate, privateKey } = world.certificate
  const inputs = { certificate, 'private-key': privateKey, 'probe-ca': world.authority.intermediate + world.authority.root }
  expect(expectSuccess(await run(inputs)).summary).toContain('they were found in probe-ca')
  expectUnchanged(await run(inputs))
})

scenario('a self-signed certificate the whole way: the note names probe-ca, and with it everything works', async ({ world, run }) => {
  const own = await selfSigned({ hosts: [world.host] })
  const inputs = { certificate: own.certificate, 'private-key': own.privateKey }
  const without = await run({ ...inputs, 'probe-timeout': '2s' })
  expectFailure(without, 'probe', 'probe-certificate-untrusted')
  expect(without.summary).toContain('the probe needs it as probe-ca')
  expectSuccess(await run({ ...inputs, 'probe-ca': own.certificate }))
})

scenario('an RSA key of 1024 bits is a warning: ACM takes it, clients may not', async ({ world, run }) => {
  const small = await world.authority.issue({ hosts: [world.host], key: 'RSA_1024' })
  const result = await run({ certificate: small.fullchain, 'private-key': small.privateKey, probe: 'off' })
  expect(expectSuccess(result).log).toMatch(/^::warning .*RSA key of 1024 bits: ACM takes it/m)
})
