/** Which of the controller's events count, when its reconciles overlap with the run. */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import { waitUntil } from '../../testing/wait.ts'
import { nextEventList, nextEventWatch, nextIngressApply } from './awaited-requests.ts'
import { expectFailure, expectSuccess, getErrorAnnotation } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'

setDefaultStart('cluster-ip')

/**
 * Starts a reconcile of the deployed Ingress that reports only after the apply of the next run. The
 * cutover of the release's Service starts one, too.
 */
async function holdEarlierReconcile(environment: TestEnvironment): Promise<void> {
  const { options } = environment.controller
  const watched = nextEventWatch(environment)
  const started = new Promise<void>((resolve) => {
    options.beforeReport = async () => {
      options.beforeReport = () => Promise.resolve()
      resolve()
      await watched
    }
  })
  await environment.kubectl('annotate', 'service', 'milvus-demo', 'example.com/touched=yes')
  await started
}

/** The reconcile of the applied Ingress ends only when the run has read the earlier event. */
function reportAfterEventsAreRead(environment: TestEnvironment): void {
  environment.controller.options.beforeReport = async () => {
    await nextEventList(environment)
    await nextEventList(environment)
  }
}

scenario(
  'the success of a reconcile that began before the apply does not hide a rejection',
  async ({ environment, run }) => {
    expectSuccess(await run())
    environment.controller.options.unknownIds = ['sg-00000000']
    await holdEarlierReconcile(environment)
    reportAfterEventsAreRead(environment)
    const result = await run({ 'security-groups': 'sg-00000000' })
    expectFailure(result, 'load-balancer', 'controller-refused')
    expect(getErrorAnnotation(result)).toContain('sg-00000000')
    expect(result.outputs['alb-address']).toBeUndefined()
  },
  { requiresSimulatedController: true },
)

scenario(
  'the failure of a reconcile that began before the apply does not reject the applied Ingress',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const message = 'ingress: milvus/milvus-demo: unknown scheme: public'
    environment.controller.options.errors = [{ reason: 'FailedBuildModel', message }]
    await holdEarlierReconcile(environment)
    reportAfterEventsAreRead(environment)
    const result = expectSuccess(await run({ tags: 'team=search' }))
    expect(result.log).not.toContain('unknown scheme')
  },
  { requiresSimulatedController: true },
)

const formatError = (operation: string, error: string): string =>
  `operation error ${operation}, https response error StatusCode: 400, RequestID: 1, ${error}`

scenario(
  "errors that the controller's next attempts do not have are waited for",
  async ({ environment, run }) => {
    const elb = 'Elastic Load Balancing v2'
    const deployErrors = [
      formatError(`${elb}: DescribeLoadBalancerAttributes`, 'LoadBalancerNotFound: x'),
      formatError(`${elb}: DescribeTargetGroupAttributes`, 'TargetGroupNotFound: x'),
      formatError(`${elb}: DescribeListenerAttributes`, 'ListenerNotFound: x'),
      formatError(`${elb}: ModifyRule`, 'RuleNotFound: x'),
      formatError('WAFV2: AssociateWebACL', 'WAFUnavailableEntityException: x'),
      formatError('EC2: AuthorizeSecurityGroupIngress', 'api error InvalidGroup.NotFound: x'),
      'context canceled',
      'etcdserver: request timed out',
      'Internal error occurred: failed calling webhook "vtargetgroupbinding.elbv2.k8s.aws": no endpoints available for service "aws-load-balancer-webhook-service"',
    ]
    environment.controller.options.errors = [
      ...deployErrors.map((message) => ({ reason: 'FailedDeployModel', message }) as const),
      { reason: 'FailedRemoveFinalizer', message: 'Internal error occurred: denied' },
    ]
    const result = expectSuccess(await run())
    expect(result.outputs['alb-address']).not.toBe('')
    expect(environment.controller.options.errors).toEqual([])
  },
  { requiresSimulatedController: true },
)

/**
 * The controller writes the status of the next applied Ingress, and its event, between the two
 * reads of a poll: what is read first is from before, and the events are from after. There must be
 * no event yet.
 */
async function reportBeforeEventsAreRead(environment: TestEnvironment): Promise<void> {
  await nextIngressApply(environment)
  const { faults, kubectl } = environment
  const isReported = async (): Promise<boolean> =>
    (await kubectl('get', 'events', '-o', 'name')) !== ''
  faults.inject({
    service: 'kubernetes',
    operation: /^PATCH .*\/ingresses\/milvus-demo\/status$/,
    gate: nextEventList(environment).then(() => undefined),
  })
  faults.inject({
    service: 'kubernetes',
    operation: /^GET .*\/events$/,
    userAgent: /^milvus-alb-action/,
    gate: waitUntil(isReported).then(() => undefined),
  })
}

scenario(
  'the address that the Ingress had before the success of its reconcile does not count',
  async ({ environment, run }) => {
    const replaced = expectSuccess(await run()).outputs['alb-address']
    // As after an hour. A repeated event would keep its resourceVersion.
    await environment.kubectl('delete', 'events', '--all')
    const reporting = reportBeforeEventsAreRead(environment)
    const result = await run({ scheme: 'internal', 'load-balancer-timeout': '30s' })
    await reporting
    expect(expectSuccess(result).outputs['alb-address']).not.toBe(replaced)
  },
  { requiresSimulatedController: true },
)
