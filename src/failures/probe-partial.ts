/** An endpoint that works only in part: some calls, or some of its addresses. */
import { formatCount } from '../util/text.ts'
import { ActionError } from './action-error.ts'
import type { ProbeFailure } from './probe-failure.ts'

/** Different messages that a problem quotes. */
const maxQuoted = 3

const unique = (texts: readonly string[]): string[] => [...new Set(texts)].slice(0, maxQuoted)

/** @param total of the calls, of which others were answered */
export function callsFailed(failures: readonly ProbeFailure[], total: number): ActionError {
  const countOf = (text: string): number =>
    failures.filter(({ message }) => message === text).length
  const reasons = unique(failures.map(({ message }) => message)).map(
    (message) => `${formatCount(countOf(message), 'time')}: ${message}`,
  )
  return new ActionError({
    code: 'probe-calls-failed',
    problem: `Milvus answers through the ALB, but ${failures.length} of ${formatCount(total, 'call')} failed. ${reasons.join(' ')}`,
    remedy: unique(failures.map(({ remedy }) => remedy)).join(' '),
    cause: failures[0],
  })
}

/**
 * @param failures one per address
 * @param total of the addresses; undefined behind a proxy, which chooses
 */
export function addressesFailed(
  failures: readonly ProbeFailure[],
  total: number | undefined,
): ActionError {
  const subject =
    total === undefined
      ? 'A second connection through the proxy fails'
      : `${failures.length} of the endpoint's ${total} addresses ${failures.length === 1 ? 'does' : 'do'} not work`
  return new ActionError({
    code: 'probe-address-failed',
    problem: `${subject}, so some clients wait or fail: ${unique(failures.map(({ message }) => message)).join(' ')}`,
    remedy: unique(failures.map(({ remedy }) => remedy)).join(' '),
    cause: failures[0],
  })
}

/** A note: what failed at first works now. */
export const describeEarlierFailure = ({ message }: ProbeFailure): string =>
  `Some calls or addresses failed at first, and none in the last round: ${message} If a later run notes it too, the endpoint is unstable.`

/**
 * A note: inbound rules, or the network of the runner, may allow one address family only.
 * @param name "IPv4" or "IPv6"
 * @param failures one per address of the family
 */
export function describeUnreachableFamily(name: string, failures: readonly ProbeFailure[]): string {
  const subject =
    failures.length === 1
      ? `the only ${name} address`
      : `any of the ${failures.length} ${name} addresses`
  const reasons = unique(failures.map(({ message }) => message)).join(' ')
  return `This runner cannot connect to ${subject}, so ${name} was not tested: ${reasons} If clients use ${name}, check that the inbound rules allow it.`
}
