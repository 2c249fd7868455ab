/** Sources of AWS credentials that fail: that is no failure of the call that needs them. */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import { expectFailureWithoutWrites } from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'

setDefaultStart('cluster-ip')

const noKeys = {
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_SESSION_TOKEN: '',
  AWS_EC2_METADATA_DISABLED: 'true',
}

const webIdentity = (tokenFile: string): Record<string, string> => ({
  ...noKeys,
  AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/deployer',
  AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
})

/** A credential process that fails. */
async function writeFailingProcess({ directory }: TestEnvironment): Promise<string> {
  const program = join(directory, 'failing-process')
  await writeFile(program, '#!/bin/sh\necho "the vault is sealed" >&2\nexit 1\n')
  await chmod(program, 0o755)
  const configFile = join(directory, 'failing-config')
  await writeFile(configFile, `[default]\ncredential_process = ${program}\n`)
  return configFile
}

scenario(
  'AWS credentials that cannot be obtained: no token file, an unknown profile, a credential process that fails',
  async (scenario) => {
    const configFile = await writeFailingProcess(scenario.environment)
    for (const { env, expectedText } of [
      { env: webIdentity('/missing/token'), expectedText: '/missing/token' },
      { env: { ...noKeys, AWS_PROFILE: 'staging' }, expectedText: 'staging' },
      { env: { ...noKeys, AWS_CONFIG_FILE: configFile }, expectedText: 'the vault is sealed' },
    ]) {
      const text = await expectFailureWithoutWrites(scenario, {}, 'aws-credentials-missing', env)
      expect(text).toMatch(/^The configured source of AWS credentials failed: /)
      expect(text).toContain(expectedText)
    }
  },
)

simulatorScenario(
  'a trust policy that rejects the job, and an account without its OIDC provider',
  'the proxy of the lab recognizes services by the signature, which this call does not have',
  async (scenario) => {
    const { environment } = scenario
    const tokenFile = join(environment.directory, 'web-identity-token')
    await writeFile(tokenFile, 'header.payload.signature')
    for (const { code, message } of [
      { code: 'AccessDenied', message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity' },
      {
        code: 'InvalidIdentityToken',
        message:
          'No OpenIDConnect provider found in your account for https://token.actions.githubusercontent.com',
      },
    ]) {
      const removeFault = environment.faults.inject({
        service: 'sts',
        operation: 'AssumeRoleWithWebIdentity',
        error: { status: 403, code, message },
      })
      const text = await expectFailureWithoutWrites(
        scenario,
        {},
        'aws-credentials-refused',
        webIdentity(tokenFile),
      )
      expect(text).toContain(
        `AWS rejected the request for credentials of the role of this job: ${message}`,
      )
      expect(text).toContain('trust policy')
      removeFault()
    }
  },
)
