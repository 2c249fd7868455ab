/** Requests that scenarios wait for, in order to act at a certain moment of a run. */
import type { TestEnvironment } from '../../testing/environment.ts'
import type { RecordedRequest } from '../../testing/request-log.ts'

/** Whether a request is one of Helm with this method and path. */
export const isHelmRequest =
  (operation: RegExp) =>
  (request: RecordedRequest): boolean =>
    request.userAgent.startsWith('Helm') && operation.test(request.operation)

/** Until Helm changes the Service, which deletes the Service's own load balancer. */
export const nextServiceUpdate = ({ requestLog }: TestEnvironment): Promise<RecordedRequest> =>
  requestLog.nextRequest(isHelmRequest(/^PATCH .*\/services\/milvus-demo$/))

/** Until Helm has applied the chart, and waits for pods. */
export const nextRollout = ({ requestLog }: TestEnvironment): Promise<RecordedRequest> =>
  requestLog.nextRequest(isHelmRequest(/^PATCH .*\/deployments\//))

/** Until the action applies its Ingress. */
export const nextIngressApply = ({ requestLog }: TestEnvironment): Promise<RecordedRequest> =>
  requestLog.nextRequest(
    ({ operation, query }) =>
      /^PATCH .*\/ingresses\/milvus-demo$/.test(operation) &&
      query.includes('fieldManager=milvus-alb-action') &&
      !query.includes('dryRun'),
  )

/** Until the action waits for events of the controller. */
export const nextEventWatch = ({ requestLog }: TestEnvironment): Promise<RecordedRequest> =>
  requestLog.nextRequest(
    ({ operation, query }) => operation.endsWith('/events') && query.includes('watch=true'),
  )

/** Until the action reads the events of the controller. */
export const nextEventList = ({ requestLog }: TestEnvironment): Promise<RecordedRequest> =>
  requestLog.nextRequest(
    ({ operation, query, userAgent }) =>
      userAgent.startsWith('milvus-alb-action') &&
      operation.endsWith('/events') &&
      query.includes('involvedObject.name') &&
      !query.includes('watch=true'),
  )

/** Until the action acquires or renews its Lease. */
export const nextLeaseUpdate = ({ requestLog }: TestEnvironment): Promise<RecordedRequest> =>
  requestLog.nextRequest(
    ({ operation, userAgent }) =>
      userAgent.startsWith('milvus-alb-action') && /^PUT .*\/leases\//.test(operation),
  )

/** Until the action asks ELB for load balancers. */
export const nextLoadBalancerPoll = ({ requestLog }: TestEnvironment): Promise<RecordedRequest> =>
  requestLog.nextRequest(
    ({ operation, userAgent }) =>
      operation === 'DescribeLoadBalancers' && userAgent.includes('milvus-alb-action'),
  )
