/** Rejections by ELB, and changes made in AWS, which the controller reverts on request. */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import type { RunResult } from '../../testing/runner.ts'
import { importOtherCertificate } from './acm-manual-operations.ts'
import {
  deleteListener,
  deleteLoadBalancer,
  deleteRule,
  getListener,
  getRules,
  listLoadBalancerNames,
  modifyListener,
  replaceRuleWithFixedResponse,
  setLoadBalancerAttribute,
} from './alb-manual-operations.ts'
import {
  expectFailure,
  expectSuccess,
  expectUnchanged,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'

setDefaultStart('deployed')

/** An error of ELB, and the remedy that the action adds. */
interface ElbError {
  readonly code: string
  readonly message: string
  readonly remedy: RegExp
}

const accountErrors: readonly ElbError[] = [
  {
    code: 'TooManyLoadBalancers',
    message: 'The maximum number of load balancers has been reached',
    remedy: /Request a higher quota from AWS/,
  },
  {
    code: 'OperationNotPermitted',
    message: 'This AWS account currently does not support creating load balancers.',
    remedy: /Ask AWS Support/,
  },
]

const otherErrors: readonly ElbError[] = [
  {
    code: 'InvalidSubnet',
    message: 'Not enough IP space available in subnet-1.',
    remedy: /eight free addresses each/,
  },
  {
    code: 'InvalidSecurityGroup',
    message: 'One or more security groups are invalid',
    remedy: /Set security-groups to/,
  },
  {
    code: 'AccessDenied',
    message:
      'User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: elasticloadbalancing:CreateLoadBalancer',
    remedy: /controller's role, not to that of this job/,
  },
  {
    code: 'ExpiredToken',
    message: 'The security token included in the request is expired',
    remedy: /controller's service account/,
  },
  {
    code: 'DuplicateLoadBalancerName',
    message: 'A load balancer with the same name exists',
    remedy: /another load-balancer-name/,
  },
]

/** Makes ELB reject the ALB. The returned function ends that. */
const injectElbError = (environment: TestEnvironment, { code, message }: ElbError): (() => void) =>
  environment.faults.inject({
    service: 'elbv2',
    operation: 'CreateLoadBalancer',
    error: { status: 400, code, message },
  })

function expectReported(result: RunResult, { code, message, remedy }: ElbError): void {
  expectFailure(result, 'load-balancer', 'controller-refused')
  expect(getErrorAnnotation(result)).toContain(`${code}: ${message}`)
  expect(getErrorAnnotation(result)).toMatch(remedy)
}

scenario(
  'successive rejections by ELB are each reported, until ELB accepts the ALB',
  async ({ environment, run }) => {
    let removeFault = (): void => undefined
    for (const error of accountErrors) {
      // The next fault starts before the last one ends, because the controller may retry at any
      // moment.
      const removePreviousFault = removeFault
      removeFault = injectElbError(environment, error)
      removePreviousFault()
      expectReported(await run(), error)
    }
    removeFault()
    expectSuccess(await run())
  },
  { start: 'cluster-ip' },
)

for (const error of otherErrors)
  scenario(
    `ELB rejects the ALB with ${error.code}: the run says what to do`,
    async ({ environment, run }) => {
      injectElbError(environment, error)
      expectReported(await run(), error)
    },
    { start: 'cluster-ip' },
  )

const reconcileRequestChange = 'load-balancer milvus-alb-action/reconcile-requested-at'

scenario('a listener deleted in AWS is restored', async ({ environment, run }) => {
  expectSuccess(await run())
  await deleteListener(environment)
  const fixedRun = expectSuccess(await run())
  expect(listChanges(fixedRun)).toEqual(['load-balancer protocol', reconcileRequestChange])
  expect(fixedRun.outputs['changes']).toContain(
    'changed in AWS, not by the controller, which restores it when it reconciles again',
  )
  expect(await getListener(environment)).toMatchObject({
    Port: environment.listenPort,
    Protocol: 'HTTPS',
  })
  expectUnchanged(await run())
})

scenario(
  'a change made in AWS is named by its value, and restored',
  async ({ environment, run }) => {
    const { 'certificate-arn': arn } = expectSuccess(await run()).outputs
    const other = await importOtherCertificate(environment)
    await modifyListener(environment, {
      SslPolicy: 'ELBSecurityPolicy-2016-08',
      certificate: other,
    })
    await setLoadBalancerAttribute(environment, 'idle_timeout.timeout_seconds', '60')
    await deleteRule(environment)
    const fixedRun = expectSuccess(await run())
    expect(listChanges(fixedRun)).toEqual([
      'load-balancer default certificate',
      'load-balancer ssl-policy',
      `load-balancer rule for ${environment.host}`,
      'load-balancer attribute idle_timeout.timeout_seconds',
      reconcileRequestChange,
    ])
    expect(fixedRun.summary).toContain('ELBSecurityPolicy-2016-08')
    expect(await getListener(environment)).toMatchObject({
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
      Certificates: [{ CertificateArn: arn }],
    })
    expect(await getRules(environment)).toHaveLength(1)
    expectUnchanged(await run())

    await replaceRuleWithFixedResponse(environment)
    expect(listChanges(expectSuccess(await run()))).toEqual([
      `load-balancer rule for ${environment.host}`,
      reconcileRequestChange,
    ])
    expectUnchanged(await run())
  },
)

scenario('an ALB deleted in AWS is created again', async ({ environment, run }) => {
  const formerAddress = expectSuccess(await run()).outputs['alb-address'] ?? ''
  await deleteLoadBalancer(environment)
  const fixedRun = expectSuccess(await run())
  expect(listChanges(fixedRun)).toEqual(['load-balancer DNS name', reconcileRequestChange])
  expect(await listLoadBalancerNames(environment)).toEqual([fixedRun.outputs['alb-address']])
  // moto derives the address from the name.
  if (environment.name === 'simulator')
    expect(fixedRun.log).toMatch(
      /^::warning.*has another name: point the DNS record of milvus.example.com at/m,
    )
  else expect(fixedRun.outputs['alb-address']).toBe(formerAddress)
  expectUnchanged(await run())
})

simulatorScenario(
  'drift that the controller does not fix is a warning',
  'a manual change would come too late',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const changeIdleTimeout = (): void =>
      environment.awsState.loadBalancers.forEach(({ attributes }) =>
        attributes.set('idle_timeout.timeout_seconds', '60'),
      )
    changeIdleTimeout()
    void environment.requestLog
      .nextRequest(
        ({ operation, userAgent }) =>
          userAgent.startsWith('aws-load-balancer-controller') && operation.includes('/events'),
      )
      .then(changeIdleTimeout)
    const result = expectSuccess(await run())
    expect(result.log).toMatch(
      /^::warning.*The controller has reconciled the Ingress, but load balancer k8s-\S+ still differs: attribute idle_timeout.timeout_seconds is 60, and the Ingress requires 600/m,
    )
  },
)

scenario(
  'credentials that cannot describe listeners find no drift, and the run continues',
  async ({ environment, run }) => {
    expectSuccess(await run({}, { env: await environment.assumeRole() }))
    await setLoadBalancerAttribute(environment, 'idle_timeout.timeout_seconds', '60')
    expectUnchanged(
      await run(
        {},
        {
          env: await environment.assumeRole('elasticloadbalancing:DescribeLoadBalancerAttributes'),
        },
      ),
    )
    expect(
      listChanges(
        expectSuccess(
          await run(
            {},
            { env: await environment.assumeRole('elasticloadbalancing:DescribeListeners') },
          ),
        ),
      ),
    ).toContain(reconcileRequestChange)
  },
)
