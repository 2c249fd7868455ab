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
      expect(classifyEvent(createEvent(reason, message), {})).toEqual({
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
        classifyEvent(createEvent(reason, `(combined from similar events): ${message}`), {}),
      ).toEqual({
        kind: 'failed',
        message: normalizeMessage(message),
        remedy: expect.stringMatching(remedy) as unknown,
      })
    },
  )

  test.each(transientFailures)('treats %s as transient', (_, message) => {
    expect(classifyEvent(createEvent('FailedDeployModel', message), {})).toEqual({
      kind: 'transient',
      message: normalizeMessage(message),
    })
  })

  test.each([
    ['CertificateNotFound', formatElbError('CreateListener', 400, 'CertificateNotFound: x')],
    ['UnsupportedCertificate', formatElbError('CreateListener', 400, 'UnsupportedCertificate: x')],
  ])('treats %s as transient only for a newly imported certificate', (_, message) => {
    expect(
      classifyEvent(createEvent('FailedDeployModel', message), { certificate: true }).kind,
    ).toBe('transient')
    expect(classifyEvent(createEvent('FailedDeployModel', message), {}).kind).toBe('failed')
  })

  test.each([
    formatElbError('ModifyRule', 400, 'LoadBalancerNotFound: x'),
    formatElbError('CreateListener', 400, 'TargetGroupNotFound: x'),
    formatElbError('DescribeListenerAttributes', 400, 'ListenerNotFound: x'),
    formatElbError('SetRulePriorities', 400, 'RuleNotFound: x'),
    'Failed deploy model due to operation error WAFV2: AssociateWebACL, https response error StatusCode: 400, RequestID: 1, WAFUnavailableEntityException: x',
    'Failed deploy model due to operation error WAFV2: GetWebACLForResource, https response error StatusCode: 400, RequestID: 1, WAFNonexistentItemException: x',
    'Failed deploy model due to operation error EC2: AuthorizeSecurityGroupIngress, https response error StatusCode: 400, RequestID: 1, api error InvalidGroup.NotFound: x',
    'Failed deploy model due to operation error WAFV2: GetWebACLForResource, https response error StatusCode: 0, RequestID: , request send failed, Post "https://wafv2.us-east-2.amazonaws.com/": dial tcp 1.2.3.4:443: i/o timeout',
    'Failed deploy model due to Internal error occurred: failed calling webhook "vtargetgroupbinding.elbv2.k8s.aws": failed to call webhook: no endpoints available for service "aws-load-balancer-webhook-service"',
  ])('treats %s as transient only after a recent apply', (message) => {
    const event = createEvent('FailedDeployModel', message)
    expect(classifyEvent(event, { apply: true }).kind).toBe('transient')
    expect(classifyEvent(event, {}).kind).toBe('failed')
  })

  test("treats a user's unknown security group as permanent also after a recent apply", () => {
    const message = `${buildPrefix}couldn't find all security groups: operation error EC2: DescribeSecurityGroups, api error InvalidGroup.NotFound: x`
    expect(classifyEvent(createEvent('FailedBuildModel', message), { apply: true }).kind).toBe(
      'failed',
    )
  })

  test('does not blame an Ingress for a member that cannot leave its group', () => {
    const event = createEvent('FailedRemoveFinalizer', 'Failed remove finalizer due to x')
    expect(classifyEvent(event, {})).toEqual({ kind: 'reconciled' })
  })

  test('treats other errors as permanent failures also for a newly imported certificate', () => {
    expect(
      classifyEvent(createEvent('FailedBuildModel', `${buildPrefix}unknown scheme: public`), {
        certificate: true,
      }).kind,
    ).toBe('failed')
  })
})
