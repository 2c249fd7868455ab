/**
 * Properties for invalid input: any input is either accepted, or rejected with a code and a message
 * that names it, within a time limit and without revealing secrets.
 */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ActionError } from '../../src/failures/action-error.ts'
import { failureCodes } from '../../src/failures/codes.ts'
import { collectErrorText } from '../capture-error.ts'
import { caseCount, recordResult } from './result-tables.ts'

/** How the cases are distributed, in percent. */
export const caseShares = {
  'one input at a time': 14,
  'all inputs at once': 10,
  durations: 2,
  lists: 3,
  'CIDR blocks': 2,
  hosts: 2,
  maps: 2,
  annotations: 6,
  'certificates in DER': 9,
  'certificates and chains as text': 8,
  'private keys': 6,
  'chains in any order': 3,
  'Helm values': 8,
  'targets files': 5,
  'matrix and results of a fleet': 3,
  'stored revisions of Helm': 5,
  kubeconfigs: 2,
  'responses of Milvus': 3,
  'messages of Helm, AWS and the controller': 2,
  Markdown: 2,
  'lines of the log': 1,
  redaction: 2,
} as const

/**
 * CPU milliseconds that one case may take. A hang, or quadratic growth with the length of the text,
 * exceeds it.
 */
const maxCpuMs = 2_000

/**
 * Defines a test that tries its share of the cases and records a row of results.
 * @param isInputAccepted returns whether the input was accepted; throws where the property does
 *   not hold
 */
export function testProperty<T>(
  subject: keyof typeof caseShares,
  inputs: fc.Arbitrary<T>,
  isInputAccepted: (input: NoInfer<T>) => boolean | Promise<boolean>,
  examples: readonly NoInfer<T>[] = [],
): void {
  test(subject, async () => {
    const counts = { accepted: 0, rejected: 0 }
    const attemptTimed = async (input: T): Promise<void> => {
      const start = process.cpuUsage()
      const accepted = await isInputAccepted(input)
      const { user, system } = process.cpuUsage(start)
      if ((user + system) / 1000 > maxCpuMs) throw new Error(`took ${(user + system) / 1000} ms`)
      counts[accepted ? 'accepted' : 'rejected'] += 1
    }
    for (const example of examples) await attemptTimed(example)
    await fc.assert(fc.asyncProperty(inputs, attemptTimed), {
      numRuns: caseCount(caseShares[subject] / 100),
    })
    recordResult('malformed-inputs', {
      subject,
      cases: counts.accepted + counts.rejected,
      rejected: counts.rejected,
      accepted: counts.accepted,
    })
  })
}

/** No user reads a longer text to its end. */
const maxTextLength = 2_000

/** @throws Error when the text is not fit for users */
export function expectReadable(text: string, secrets: readonly string[] = []): void {
  if (text.length > maxTextLength)
    throw new Error(`${text.length} characters: ${text.slice(0, 300)}`)
  if (/\n\s+at .*[:(]\d+|\[object |\bundefined\b|\bNaN\b/.test(text))
    throw new Error(`no text for a person: ${text}`)
  for (const secret of secrets)
    if (text.includes(secret)) throw new Error(`${secret} is in: ${text}`)
}

/**
 * Whether `parse` returns.
 * @throws what it throws, unless that is a rejection with a code of which each problem matches
 *   `messagePattern`
 */
export function isAccepted(
  parse: () => unknown,
  messagePattern: RegExp,
  secrets: readonly string[] = [],
): boolean {
  try {
    parse()
    return true
  } catch (thrown) {
    expectRejection(thrown, messagePattern, secrets)
    return false
  }
}

/** @throws what was thrown, unless it is a rejection that is fit for users */
export function expectRejection(
  thrown: unknown,
  messagePattern: RegExp,
  secrets: readonly string[] = [],
): void {
  if (!(thrown instanceof ActionError)) throw thrown
  for (const problem of thrown.allErrors) {
    const text = `${problem.message} ${problem.remedy}`
    if (problem.code === 'internal-error') throw problem.cause
    expect(failureCodes).toContain(problem.code)
    if (!messagePattern.test(text)) throw new Error(`does not say what it is about: ${text}`)
    expectReadable(text)
  }
  const allText = collectErrorText(thrown)
  for (const secret of secrets)
    if (allText.includes(secret)) throw new Error(`${secret} is in: ${allText}`)
}
