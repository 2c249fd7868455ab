/** What the controller's error messages mean, and what to do about each. */
import { describe, expect, test } from '@jest/globals'
import { classifyEvent, normalizeMessage } from '../../src/controller/events.ts'
import { createEvent } from '../steps/fixtures.ts'
import { classAndGroupFailures } from './error-messages/class-and-group.cases.ts'
import { deploymentFailures } from './error-messages/deployment.cases.ts'
import { buildPrefix, formatElbError } from './error-messages/formats.ts'
import { modelFailures } from './error-messages/model.cases.ts'
import { permissionFailures } from './error-messages/permissions.cases.ts'
import { transientFailures } from './error-messages/transient.cases.ts'

const permanentFailures = [
  ...modelFailures,
  ...classAndGroupFailures,
  ...deploymentFailures,
  ...permissionFailures,
]

describe('classifyEvent', () => {
  test.each(permanentFailures)(
    'treats $name as a permanent failure',
    ({ reason, message, remedy }) => {
      expect(classifyEvent(createEvent(reason, message), false)).toEqual({
        kind: 'failed',
        message: normalizeMessage(message),
        remedy: expect.stringMatching(remedy) as unknown,
      })
    },
  )

  test.each(permanentFailures)(
    'treats $name as a permanent failure also in a combined event',
    ({ reason, message, remedy }) => {
      expect(
        classifyEvent(createEvent(reason, `(combined from similar events): ${message}`), false),
      ).toEqual({
        kind: 'failed',
        message: normalizeMessage(message),
        remedy: expect.stringMatching(remedy) as unknown,
      })
    },
  )

  test.each(transientFailures)('treats %s as transient', (_, message) => {
    expect(classifyEvent(createEvent('FailedDeployModel', message), false)).toEqual({
      kind: 'transient',
      message: normalizeMessage(message),
    })
  })

  test.each([
    ['CertificateNotFound', formatElbError('CreateListener', 400, 'CertificateNotFound: x')],
    ['UnsupportedCertificate', formatElbError('CreateListener', 400, 'UnsupportedCertificate: x')],
  ])('treats %s as transient only for a newly imported certificate', (_, message) => {
    expect(classifyEvent(createEvent('FailedDeployModel', message), true).kind).toBe('transient')
    expect(classifyEvent(createEvent('FailedDeployModel', message), false).kind).toBe('failed')
  })

  test('treats other errors as permanent failures also for a newly imported certificate', () => {
    expect(
      classifyEvent(createEvent('FailedBuildModel', `${buildPrefix}unknown scheme: public`), true)
        .kind,
    ).toBe('failed')
  })
})
