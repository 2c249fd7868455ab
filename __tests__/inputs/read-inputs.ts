/** Inputs of the tests, and how they are parsed. */
import { ActionError, combineErrors } from '../../src/failures/action-error.ts'
import type { InputName } from '../../src/inputs/inputs.ts'
import { parseSettings } from '../../src/inputs/settings.ts'
import type { EndpointSettings, RunSettings } from '../../src/inputs/types.ts'
import { createCertificateAuthority } from '../../testing/certificates.ts'

export type Inputs = Partial<Record<InputName, string>>

export const arn =
  'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000'
export const minimalInputs: Inputs = {
  cluster: 'production',
  host: 'milvus.example.com',
  'certificate-arn': arn,
}
export const regionEnv = { AWS_REGION: 'us-east-2' }

/** @throws ActionError of everything that is wrong */
export function readInputs(inputs: Inputs, env: Record<string, string> = regionEnv): RunSettings {
  const result = parseSettings(inputs, env)
  if ('errors' in result) throw combineErrors(result.errors)
  return result.settings
}

/** As readInputs, for inputs of a deployment or a check. */
export function readEndpointInputs(inputs: Inputs): EndpointSettings {
  const settings = readInputs(inputs)
  if (settings.mode === 'destroy') throw new TypeError('these are inputs of a removal')
  return settings
}

/** The smallest inputs for a region: an ALB takes only certificates of its own. */
export const minimalInputsFor = (name: string): Inputs => ({
  ...minimalInputs,
  'certificate-arn': arn.replace('us-east-2', name),
})

export function captureInputError(inputs: Inputs, env?: Record<string, string>): ActionError {
  try {
    readInputs(inputs, env)
  } catch (thrown) {
    if (thrown instanceof ActionError) return thrown
    throw thrown
  }
  throw new Error('the inputs are valid')
}

export const formatProblems = (error: ActionError): string[] =>
  error.allErrors.map(({ code, message }) => `${code}: ${message}`)

const authority = await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
/** A certificate for the host of the smallest inputs. */
export const issued = await authority.issue({
  hosts: ['milvus.example.com'],
  keyAlgorithm: 'EC_prime256v1',
})
