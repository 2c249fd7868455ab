/** The policy with conditions on tags suffices, and leaves the certificates of others alone. */
import { expect } from '@jest/globals'
import { importCertificate, listCertificates } from './acm-manual-operations.ts'
import { certificateInputs, issueWithLargerKey } from './certificate-inputs.ts'
import { expectFailure, expectSuccess, getErrorAnnotation } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { destroyInputs } from './run-inputs.ts'

setDefaultStart('cluster-ip')

scenario(
  'the hardened policy suffices to deploy, renew, replace and destroy, but not to replace a certificate of others',
  async ({ environment, run }) => {
    const env = await environment.assumeRole('', 'hardened')
    const foreignArn = await importCertificate(environment)
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const foreignInputs = {
      ...certificateInputs(renewed),
      'certificate-arn': foreignArn,
      'replace-certificate': 'true',
    }
    const denied = expectFailure(
      await run(foreignInputs, { env }),
      'certificate',
      'aws-access-denied',
    )
    expect(getErrorAnnotation(denied)).toContain('acm:ImportCertificate')

    const first = expectSuccess(await run(certificateInputs(renewed), { env }))
    const ownArn = first.outputs['certificate-arn']
    const next = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const second = expectSuccess(await run(certificateInputs(next), { env }))
    expect(second.outputs['certificate-arn']).toBe(ownArn)
    const larger = await issueWithLargerKey(environment)
    const third = expectSuccess(await run(certificateInputs(larger), { env }))
    expect(third.outputs['certificate-arn']).not.toBe(ownArn)
    expectSuccess(await run(destroyInputs, { env }))
    const remaining = (await listCertificates(environment)).map(({ arn }) => arn)
    expect(remaining).toContain(foreignArn)
    expect(remaining).not.toContain(third.outputs['certificate-arn'])
  },
)
