/** Certificates in the field: a given ARN, other usages, other keys, many of them, and an end that is near. */
import { expect } from '@jest/globals'
import { certificates, importByHand, inAcm } from './hands.ts'
import { annotation, changed, expectFailure, expectSuccess, expectUnchanged, sandboxScenario, scenario, scenariosStart } from './harness.ts'

scenariosStart('cluster-ip')

scenario('a certificate under a given ARN that is not ours is refused, and replaced when that is asked for', async ({ world, run, writes }) => {
  const arn = await importByHand(world)
  const renewed = await world.authority.issue({ hosts: [world.host] })
  const inputs = { certificate: renewed.fullchain, 'private-key': renewed.privateKey, 'certificate-arn': arn }
  expectFailure(await run(inputs), 'certificate', 'certificate-not-ours')
  expect(writes()).toEqual([])
  const replaced = expectSuccess(await run({ ...inputs, 'replace-certificate': 'true' }))
  expect(replaced.outputs['certificate-arn']).toBe(arn)
  expect((await inAcm(world, arn))?.x509.serialNumber.toLowerCase()).toBe((await certificates(world))[0]?.x509.serialNumber.toLowerCase())
  expectUnchanged(await run(inputs))
})

sandboxScenario('moto does not say what uses a certificate', 'who uses a certificate that is not ours is named', async ({ world, run }) => {
  const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
  const renewed = await world.authority.issue({ hosts: [world.host] })
  const result = await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey, 'certificate-arn': arn, 'ingress-name': 'another' })
  expectFailure(result, 'certificate', 'certificate-not-ours')
  expect(annotation(result)).toMatch(/app\/k8s-milvus-[^ ]+ uses it/)
})

sandboxScenario('moto lets usages go', 'usages that a re-import may not take away: a new certificate, and the old one goes', async ({ world, run }) => {
  const wide = await world.authority.issue({ hosts: [world.host], keyUsage: ['digitalSignature', 'keyEncipherment', 'dataEncipherment'] })
  const first = expectSuccess(await run({ certificate: wide.fullchain, 'private-key': wide.privateKey }))
  const narrow = await world.authority.issue({ hosts: [world.host], keyUsage: ['digitalSignature'] })
  const second = expectSuccess(await run({ certificate: narrow.fullchain, 'private-key': narrow.privateKey }))
  expect(second.outputs['certificate-arn']).not.toBe(first.outputs['certificate-arn'])
  // The next run finds what is left of the first.
  expect(changed(expectSuccess(await run({ certificate: narrow.fullchain, 'private-key': narrow.privateKey })))).toEqual(['certificate certificate'])
  expect((await certificates(world)).map(({ arn }) => arn)).toEqual([second.outputs['certificate-arn']])
})

sandboxScenario('a role in the lab is one for all of a run', 'an earlier certificate that may not be deleted is a note that names it', async ({ world, run }) => {
  const { 'certificate-arn': arn = '' } = expectSuccess(await run()).outputs
  const larger = await world.authority.issue({ hosts: [world.host], key: 'RSA_3072' })
  const inputs = { certificate: larger.fullchain, 'private-key': larger.privateKey }
  for (const action of ['acm:DescribeCertificate', 'acm:DeleteCertificate']) {
    world.aws.authorize = (_principal, asked) => asked !== action
    const result = expectSuccess(await run(inputs))
    expect(result.summary).toContain(arn)
    expect(result.summary).toContain(action)
  }
  world.aws.authorize = () => true
  expectSuccess(await run(inputs))
  expect(await inAcm(world, arn)).toBeUndefined()
})

scenario('an account with many certificates: tags are asked only of those that can be ours', async ({ world, run }) => {
  const other = await world.authority.issue({ hosts: ['other.example.com'] })
  for (let number = 0; number < 60; number += 1) await importByHand(world, other)
  const before = world.traffic.requests.length
  expectSuccess(await run())
  expect(world.traffic.requests.slice(before).filter(({ operation }) => ['ListTagsForCertificate', 'GetCertificate'].includes(operation))).toEqual([])
})

scenario('a re-import whose answer is lost', async ({ world, run }) => {
  const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
  const renewed = await world.authority.issue({ hosts: [world.host] })
  world.traffic.inject({ part: 'acm', operation: 'ImportCertificate', times: 1, reset: 'after' })
  expect(expectSuccess(await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey })).outputs['certificate-arn']).toBe(arn)
  expect(await certificates(world)).toHaveLength(1)
})

scenario('an end that is near is a warning, for a given certificate and for one in ACM', async ({ world, run }) => {
  const short = await world.authority.issue({ hosts: [world.host], notBefore: new Date(Date.now() - 80 * 86_400_000), days: 10 })
  const first = expectSuccess(await run({ certificate: short.chain + short.certificate, 'private-key': short.privateKey }))
  expect(first.log).toMatch(/^::warning .*ends in 9 days, on /m)
  expect(first.summary).toContain('not given in order')
  const { 'certificate-arn': arn = '' } = first.outputs
  expect(expectSuccess(await run({ certificate: '', 'private-key': '', 'certificate-arn': arn, 'expiry-warning': '5' })).log).not.toMatch(/^::warning .*ends in/m)
  expect(expectSuccess(await run({ certificate: '', 'private-key': '', 'certificate-arn': arn })).log).toMatch(/^::warning .*ends in 9 days/m)
})
