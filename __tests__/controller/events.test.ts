import { describe, expect, test } from '@jest/globals'
import {
  classifyEvent,
  getResourceVersion,
  isStatusEvent,
  latestStatusEvent,
  normalizeMessage,
} from '../../src/controller/events.ts'
import { createEvent } from '../steps/fixtures.ts'
import { formatElbError } from './error-messages/formats.ts'

describe('classifyEvent', () => {
  test('reports a successful reconciliation', () => {
    expect(
      classifyEvent(createEvent('SuccessfullyReconciled', 'Successfully reconciled'), {}),
    ).toEqual({ kind: 'reconciled' })
  })
})

describe('normalizeMessage', () => {
  test.each([
    [
      formatElbError('CreateListener', 400, 'CertificateNotFound: x'),
      'Failed deploy model due to operation error Elastic Load Balancing v2: CreateListener, HTTP 400, CertificateNotFound: x',
    ],
    [
      `(combined from similar events): ${formatElbError('CreateRule', 403, 'api error AccessDenied: y')}`,
      'Failed deploy model due to operation error Elastic Load Balancing v2: CreateRule, HTTP 403, AccessDenied: y',
    ],
    ['x\n\tstatus code: 400, request id: 0a1b', 'x'],
    ['nothing to remove', 'nothing to remove'],
  ])('%s', (message, expected) => {
    expect(normalizeMessage(message)).toBe(expected)
  })

  test('is shortened before anything searches it', () => {
    expect(normalizeMessage('x'.repeat(200_000)).length).toBeLessThan(5_000)
  })

  test('returns the same message for two attempts with the same error', () => {
    const message = formatElbError('CreateListener', 400, 'CertificateNotFound: x')
    expect(normalizeMessage(message.replace('3f2a1b-77', 'other-id'))).toBe(
      normalizeMessage(message),
    )
  })
})

describe('latestStatusEvent', () => {
  const createStatusEvent = (
    reason: string,
    resourceVersion: string,
  ): ReturnType<typeof createEvent> => createEvent(reason, '', resourceVersion)
  test.each<{ name: string; events: [string, string][]; expected: string | undefined }>([
    { name: 'no events', events: [], expected: undefined },
    {
      name: 'resource versions in numerical order',
      events: [
        ['FailedBuildModel', '9'],
        ['SuccessfullyReconciled', '10'],
      ],
      expected: '10',
    },
    {
      name: 'events in any order',
      events: [
        ['SuccessfullyReconciled', '30'],
        ['FailedBuildModel', '20'],
      ],
      expected: '30',
    },
    {
      name: 'other events beside status events',
      events: [
        ['SuccessfullyReconciled', '30'],
        ['FailedToUpdateEndpointSlices', '99'],
        ['Scheduled', '100'],
      ],
      expected: '30',
    },
    { name: 'only other events', events: [['Scheduled', '100']], expected: undefined },
    {
      name: 'a number beyond 2^53',
      events: [
        ['FailedBuildModel', '9007199254740993'],
        ['SuccessfullyReconciled', '9007199254740992'],
      ],
      expected: '9007199254740993',
    },
    {
      name: 'a repeated failure with a new resource version',
      events: [
        ['SuccessfullyReconciled', '30'],
        ['FailedDeployModel', '31'],
      ],
      expected: '31',
    },
  ])('$name', ({ events, expected }) => {
    expect(
      latestStatusEvent(
        events.map(([reason, resourceVersion]) => createStatusEvent(reason, resourceVersion)),
      )?.metadata.resourceVersion,
    ).toBe(expected)
  })

  test.each([
    ['SuccessfullyReconciled', true],
    ['FailedLoadGroupID', true],
    ['FailedAddFinalizer', true],
    ['FailedBuildModel', true],
    ['FailedDeployModel', true],
    ['FailedUpdateStatus', true],
    ['FailedRemoveFinalizer', true],
    ['BackendNotFound', false],
    ['', false],
  ])('%s is a status event: %s', (reason, expected) => {
    expect(isStatusEvent(createEvent(reason))).toBe(expected)
  })

  test.each([
    ['12', 12n],
    ['', 0n],
    ['abc', 0n],
  ])('getResourceVersion(%j)', (resourceVersion, expected) => {
    expect(getResourceVersion({ metadata: { resourceVersion } })).toBe(expected)
  })
})
