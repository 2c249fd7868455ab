/** The certificate comes from a Secret in the cluster, or from AWS Secrets Manager. */
import { X509Certificate } from 'node:crypto'
import { expect } from '@jest/globals'
import { issueSelfSigned, type IssuedCertificate } from '../../testing/certificates.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import { findCertificate } from './acm-manual-operations.ts'
import { issueExpiredCertificate } from './certificate-inputs.ts'
import { checkInputsWithoutValues, expectClean, expectDrift } from './check-expectations.ts'
import {
  expectAdditionalFailure,
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { dryRunInputs, serviceOnlyInputs } from './run-inputs.ts'
import {
  applyClusterSecret,
  createAwsSecret,
  deleteAwsSecret,
  putAwsSecretValue,
} from './secret-manual-operations.ts'

setDefaultStart('cluster-ip')

const secretInputs = (secret: string) => ({
  certificate: '',
  'private-key': '',
  'certificate-secret': secret,
})

const toEntries = ({ fullchain, privateKey }: IssuedCertificate) => ({
  'tls.crt': fullchain,
  'tls.key': privateKey,
})

const toJson = ({ certificate, chain, privateKey }: IssuedCertificate): string =>
  JSON.stringify({ certificate, private_key: privateKey, chain })

const issue = ({ certificateAuthority, host }: TestEnvironment): Promise<IssuedCertificate> =>
  certificateAuthority.issue({ hosts: [host] })

scenario(
  'a renewed certificate in a secret waits in a check and is imported by the next deploy, with a role that may read only this secret',
  async ({ environment, run, writes }) => {
    const { certificate } = environment
    await environment.kubectl('create', 'namespace', 'certificates')
    const inCluster = { name: 'milvus-tls', namespace: 'certificates' }
    await applyClusterSecret(environment, { ...inCluster, entries: toEntries(certificate) })
    const arn = await createAwsSecret(environment, 'milvus/tls', toJson(certificate))
    const env = await environment.assumeRole('', 'deploy-with-secret')
    const checkEnv = await environment.assumeRole('', 'check-with-secret')
    const clusterInputs = secretInputs('certificates/milvus-tls')
    const awsInputs = secretInputs(arn)

    const first = expectSuccess(await run(clusterInputs, { env }))
    expectUnchanged(await run(clusterInputs, { env }))
    // The same certificate from elsewhere.
    expectUnchanged(await run(awsInputs, { env }))
    expect(writes()).toEqual([])

    const renewals = [
      {
        inputs: clusterInputs,
        store: (renewed: IssuedCertificate) =>
          applyClusterSecret(environment, { ...inCluster, entries: toEntries(renewed) }),
      },
      {
        inputs: awsInputs,
        store: ({ fullchain, privateKey }: IssuedCertificate) =>
          putAwsSecretValue(environment, arn, Buffer.from(privateKey + fullchain)),
      },
    ]
    for (const { inputs, store } of renewals) {
      const renewed = await issue(environment)
      await store(renewed)
      const checkInputs = { ...checkInputsWithoutValues, ...inputs }
      expectDrift(await run(checkInputs, { env: checkEnv }), ['certificate certificate'])
      const second = expectSuccess(await run(inputs, { env }))
      expect(writes()).toEqual(['acm ImportCertificate'])
      expect(second.outputs['certificate-arn']).toBe(first.outputs['certificate-arn'])
      const { x509 } = (await findCertificate(environment, first.outputs['certificate-arn'])) ?? {}
      expect(x509?.raw).toEqual(new X509Certificate(renewed.certificate).raw)
    }
    const checkInputs = { ...checkInputsWithoutValues, ...awsInputs }
    expectClean(await run(checkInputs, { env: checkEnv }))
  },
)

scenario(
  'without the permission to read the secret, a run names the secret and where the permission is documented',
  async ({ environment, run, writes }) => {
    await environment.kubectl('create', 'namespace', 'certificates')
    // Its name must not make it look like a denied key.
    const value = toJson(environment.certificate)
    const arn = await createAwsSecret(environment, 'milvus/kms-tls', value)
    const env = await environment.assumeRole()
    const cases = [
      {
        secret: 'certificates/milvus-tls',
        code: 'cluster-forbidden',
        texts: [
          'read Secret milvus-tls in namespace certificates, which certificate-secret names',
          'Allow "get" for Secret milvus-tls alone in namespace certificates: docs/permissions.md',
        ],
      },
      {
        secret: arn,
        code: 'aws-access-denied',
        texts: [
          'AWS denied secretsmanager:GetSecretValue: ',
          'Allow it for this secret alone: docs/permissions.md',
        ],
      },
    ]
    for (const { secret, code, texts } of cases) {
      const inputs = { ...serviceOnlyInputs, ...secretInputs(secret) }
      const result = expectFailure(await run(inputs, { env }), 'preflight', code)
      expectToContainAll(getErrorAnnotation(result), texts)
      expect(writes()).toEqual([])
    }
  },
)

scenario('what is wrong with a Secret in the cluster is named', async (scenario) => {
  const { environment, run } = scenario
  const { certificate, certificateAuthority, host } = environment
  const entries = toEntries(certificate)
  const [other, expired, temporary, otherKey] = await Promise.all([
    certificateAuthority.issue({ hosts: ['other.example.com'] }),
    issueExpiredCertificate(environment, host),
    issueSelfSigned({ hosts: [host], commonName: 'cert-manager.local' }),
    certificateAuthority.issue({ hosts: [host], keyAlgorithm: 'EC_prime256v1' }),
  ])
  const cases = [
    {
      name: 'opaque',
      type: 'Opaque',
      entries,
      code: 'certificate-secret-unusable',
      text: 'Secret milvus/opaque is of type Opaque, not kubernetes.io/tls.',
    },
    {
      name: 'being-issued',
      entries: { 'tls.crt': '', 'tls.key': certificate.privateKey },
      code: 'certificate-secret-unusable',
      text: 'Secret milvus/being-issued has no tls.crt yet: it is empty.',
    },
    {
      name: 'without-key',
      entries: { ...entries, 'tls.key': '' },
      code: 'certificate-secret-unusable',
      text: 'Secret milvus/without-key has no tls.key yet: it is empty.',
    },
    {
      name: 'temporary',
      entries: toEntries(temporary),
      code: 'certificate-secret-unusable',
      text: 'Secret milvus/temporary contains the temporary certificate with which cert-manager',
    },
    {
      name: 'other-host',
      entries: toEntries(other),
      code: 'certificate-host-mismatch',
      text: `The certificate does not cover ${host}: its names are other.example.com.`,
    },
    {
      name: 'expired',
      entries: toEntries(expired),
      code: 'certificate-expired',
      text: 'store the new certificate and key in Secret milvus/expired',
    },
    {
      name: 'other-key',
      entries: { ...entries, 'tls.key': otherKey.privateKey },
      code: 'private-key-mismatch',
      text: 'Key tls.key of Secret milvus/other-key does not match the certificate',
    },
    {
      name: 'leaf-alone',
      entries: { ...entries, 'tls.crt': certificate.certificate },
      code: 'certificate-chain-invalid',
      text: 'Store the full chain (fullchain.pem) in tls.crt.',
    },
  ]
  for (const { code, text, ...secret } of cases) {
    await applyClusterSecret(environment, secret)
    const inputs = { ...dryRunInputs, ...secretInputs(secret.name) }
    expect(await expectFailureWithoutWrites(scenario, inputs, code)).toContain(text)
  }
  // An issuer of cert-manager that knows only its own CA.
  const withIssuer = {
    name: 'with-issuer',
    entries: { ...entries, 'tls.crt': certificate.certificate, 'ca.crt': certificate.chain },
  }
  await applyClusterSecret(environment, withIssuer)
  const completed = await run({ ...dryRunInputs, ...secretInputs(withIssuer.name) })
  expect(expectSuccess(completed).log).toContain(
    'note: Key tls.crt of Secret milvus/with-issuer contains no intermediate certificates. They were found in its ca.crt or probe-ca, and are imported with it.',
  )
  // Every other problem is reported with it.
  const result = expectFailure(
    await run({ ...dryRunInputs, ...secretInputs('missing'), 'ingress-class': 'missing' }),
    'preflight',
    'certificate-secret-not-found',
  )
  expect(getErrorAnnotation(result)).toContain(
    'Secret missing, which certificate-secret names, does not exist in namespace milvus.',
  )
  expectAdditionalFailure(result, 'ingress-class-not-found')
})

scenario('what is wrong with a secret in AWS Secrets Manager is named', async (scenario) => {
  const { environment, run } = scenario
  const value = toJson(environment.certificate)
  const create = (name: string, text?: string, region?: string) =>
    createAwsSecret(environment, name, text, region)
  const deleted = await create('milvus/deleted', value)
  await deleteAwsSecret(environment, deleted)
  const cases = [
    {
      secret: `arn:aws:secretsmanager:${environment.region}:${environment.account}:secret:missing-AbCdEf`,
      code: 'certificate-secret-not-found',
      text: 'does not exist in AWS Secrets Manager.',
    },
    {
      secret: await create('milvus/empty'),
      code: 'certificate-secret-not-found',
      text: 'has no value yet.',
    },
    {
      secret: deleted,
      code: 'certificate-secret-not-found',
      text: 'is scheduled for deletion.',
    },
    {
      secret: await create('milvus/keys', JSON.stringify({ username: 'milvus', password: value })),
      code: 'certificate-secret-unusable',
      text: 'contains JSON without a certificate: it has none of the keys fullchain, certificate, cert, tls.crt.',
    },
    {
      secret: await create('milvus/text', environment.certificate.privateKey.slice(40, 200)),
      code: 'certificate-secret-unusable',
      text: 'contains neither JSON nor PEM.',
    },
  ]
  for (const { secret, code, text } of cases) {
    const inputs = { ...dryRunInputs, ...secretInputs(secret) }
    expect(await expectFailureWithoutWrites(scenario, inputs, code)).toContain(text)
  }

  const elsewhere = await create('milvus/tls', value, 'eu-central-1')
  const inputs = { ...dryRunInputs, ...secretInputs(elsewhere) }
  expectSuccess(await run(inputs))
  environment.faults.inject({
    service: 'secretsmanager',
    operation: 'GetSecretValue',
    error: {
      status: 400,
      code: 'AccessDeniedException',
      message: 'Access to KMS is not allowed',
    },
  })
  expect(await expectFailureWithoutWrites(scenario, inputs, 'aws-access-denied')).toContain(
    `Secret ${elsewhere} cannot be decrypted with its KMS key: Access to KMS is not allowed`,
  )
})
