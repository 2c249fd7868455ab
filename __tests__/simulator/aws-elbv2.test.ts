import { afterEach, beforeEach, expect, test } from '@jest/globals'
import {
  AddTagsCommand,
  CreateRuleCommand,
  DeleteLoadBalancerCommand,
  DeleteRuleCommand,
  DeleteTargetGroupCommand,
  DeregisterTargetsCommand,
  DescribeListenersCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ModifyLoadBalancerAttributesCommand,
  ModifyRuleCommand,
  ModifyTargetGroupCommand,
  RegisterTargetsCommand,
  RemoveTagsCommand,
  SetSecurityGroupsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { getErrorText, host } from './aws-account.ts'
import {
  account,
  createLoadBalancer,
  createTargetGroup,
  createListener,
  startAccount,
  stopAccount,
} from './elbv2-fixture.ts'

beforeEach(startAccount)
afterEach(stopAccount)

test('a load balancer is provisioning, active or failed', async () => {
  account.aws.state.provisioningTime = Infinity
  const arn = await createLoadBalancer('k8s-milvus', 'internal')
  const describeLoadBalancer = async () =>
    (await account.elb.send(new DescribeLoadBalancersCommand({ Names: ['k8s-milvus'] })))
      .LoadBalancers?.[0]
  expect(await describeLoadBalancer()).toMatchObject({
    LoadBalancerArn: arn,
    Scheme: 'internal',
    State: { Code: 'provisioning' },
    Type: 'application',
    SecurityGroups: ['sg-1'],
  })
  expect((await describeLoadBalancer())?.DNSName).toMatch(
    /^internal-k8s-milvus-\d+\.us-east-2\.elb\.amazonaws\.com$/,
  )
  expect((await describeLoadBalancer())?.CreatedTime).toBeInstanceOf(Date)
  const stored = account.aws.state.loadBalancers.get(arn)
  if (!stored) throw new Error('unreachable')
  stored.activeAt = 0
  expect(await describeLoadBalancer()).toMatchObject({ State: { Code: 'active' } })
  stored.failed = true
  expect(await describeLoadBalancer()).toMatchObject({ State: { Code: 'failed' } })
})

test('load balancers support idempotent creation, attributes, tags and deletion, and report missing ones', async () => {
  expect(
    await getErrorText(account.elb.send(new DescribeLoadBalancersCommand({ Names: ['x'] }))),
  ).toBe("LoadBalancerNotFoundException: Load balancers '[x]' not found")
  expect(
    await getErrorText(
      account.elb.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: ['arn:x'] })),
    ),
  ).toBe('LoadBalancerNotFoundException: One or more load balancers not found')
  const arn = await createLoadBalancer()
  expect(await createLoadBalancer()).toBe(arn)
  expect(await getErrorText(createLoadBalancer('k8s-milvus', 'internal'))).toMatch(
    /^DuplicateLoadBalancerNameException: /,
  )
  await account.elb.send(
    new ModifyLoadBalancerAttributesCommand({
      LoadBalancerArn: arn,
      Attributes: [
        { Key: 'idle_timeout.timeout_seconds', Value: '600' },
        { Key: 'deletion_protection.enabled', Value: 'true' },
      ],
    }),
  )
  const { Attributes } = await account.elb.send(
    new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn }),
  )
  expect(Attributes).toContainEqual({ Key: 'idle_timeout.timeout_seconds', Value: '600' })
  expect(
    await getErrorText(
      account.elb.send(
        new ModifyLoadBalancerAttributesCommand({
          LoadBalancerArn: arn,
          Attributes: [{ Key: 'idle_timeout', Value: '600' }],
        }),
      ),
    ),
  ).toContain("key 'idle_timeout' is not recognized")
  await account.elb.send(
    new AddTagsCommand({ ResourceArns: [arn], Tags: [{ Key: 'new', Value: '1' }] }),
  )
  await account.elb.send(new RemoveTagsCommand({ ResourceArns: [arn], TagKeys: ['new'] }))
  expect(
    (await account.elb.send(new DescribeTagsCommand({ ResourceArns: [arn] }))).TagDescriptions,
  ).toEqual([{ ResourceArn: arn, Tags: [{ Key: 'k', Value: 'a & <b>' }] }])
  expect(
    (
      await account.elb.send(
        new SetSecurityGroupsCommand({ LoadBalancerArn: arn, SecurityGroups: ['sg-2', 'sg-3'] }),
      )
    ).SecurityGroupIds,
  ).toEqual(['sg-2', 'sg-3'])
  expect(
    await getErrorText(account.elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: arn }))),
  ).toMatch(/^OperationNotPermittedException: .*deletion protection/)
  await account.elb.send(
    new ModifyLoadBalancerAttributesCommand({
      LoadBalancerArn: arn,
      Attributes: [{ Key: 'deletion_protection.enabled', Value: 'false' }],
    }),
  )
  await account.elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: arn }))
  await account.elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: arn }))
  expect(account.aws.state.loadBalancers.size).toBe(0)
})

test('DescribeLoadBalancers returns pages', async () => {
  for (const name of ['a', 'b', 'c']) await createLoadBalancer(name)
  const first = await account.elb.send(new DescribeLoadBalancersCommand({ PageSize: 2 }))
  const second = await account.elb.send(
    new DescribeLoadBalancersCommand({ PageSize: 2, Marker: first.NextMarker }),
  )
  expect(
    [first, second].map(({ LoadBalancers }) =>
      LoadBalancers?.map(({ LoadBalancerName }) => LoadBalancerName),
    ),
  ).toEqual([['a', 'b'], ['c']])
  expect(second.NextMarker).toBeUndefined()
})

test.each([
  ['a'.repeat(33), "cannot be longer than '32' characters"],
  ['-a', "cannot begin or end with '-'"],
  ['a_b', 'alphanumeric'],
  ['internal-a', "cannot begin with 'internal-'"],
])('rejects the load balancer name %s', async (name, message) => {
  expect(await getErrorText(createLoadBalancer(name))).toContain(message)
})

test('creates listeners, rules, target groups and targets as the controller requests them', async () => {
  account.aws.state.targetHealthTime = Infinity
  const loadBalancerArn = await createLoadBalancer()
  const listenerArn = await createListener(
    { Certificates: [{ CertificateArn: await account.importCertificate() }] },
    loadBalancerArn,
  )
  const groupArn = await createTargetGroup()
  expect(await createTargetGroup()).toBe(groupArn)
  expect(
    (await account.elb.send(new DescribeTargetGroupsCommand({ Names: ['k8s-group'] })))
      .TargetGroups?.[0],
  ).toMatchObject({
    ProtocolVersion: 'GRPC',
    HealthCheckPath: '/AWS.ALB/healthcheck',
    Matcher: { GrpcCode: '12' },
    Port: 19530,
    TargetType: 'ip',
    LoadBalancerArns: [],
    HealthCheckIntervalSeconds: 30,
  })
  const targets = [{ Id: '10.0.0.5', Port: 19530 }]
  await account.elb.send(new RegisterTargetsCommand({ TargetGroupArn: groupArn, Targets: targets }))
  const getHealth = async () =>
    (
      await account.elb.send(new DescribeTargetHealthCommand({ TargetGroupArn: groupArn }))
    ).TargetHealthDescriptions?.map(({ TargetHealth }) => [
      TargetHealth?.State,
      TargetHealth?.Reason,
    ])
  expect(await getHealth()).toEqual([['unused', 'Target.NotInUse']])
  const rule = {
    ListenerArn: listenerArn,
    Priority: 1,
    Conditions: [
      { Field: 'host-header', HostHeaderConfig: { Values: [host] } },
      { Field: 'path-pattern', PathPatternConfig: { Values: ['/*'] } },
    ],
    Actions: [{ Type: 'forward' as const, TargetGroupArn: groupArn }],
  }
  const { Rules } = await account.elb.send(new CreateRuleCommand(rule))
  const ruleArn = Rules?.[0]?.RuleArn ?? ''
  expect(await getErrorText(account.elb.send(new CreateRuleCommand(rule)))).toBe(
    "PriorityInUseException: Priority '1' is currently in use",
  )
  expect(
    (await account.elb.send(new DescribeRulesCommand({ ListenerArn: listenerArn }))).Rules?.map(
      ({ Priority, IsDefault, Actions }) => [Priority, IsDefault, Actions?.[0]?.Type],
    ),
  ).toEqual([
    ['1', false, 'forward'],
    ['default', true, 'fixed-response'],
  ])
  expect(
    account.aws.state.loadBalancers.get(loadBalancerArn)?.listeners[0]?.rules[0],
  ).toMatchObject({ hosts: [host], paths: ['/*'], action: { targetGroupArn: groupArn } })
  expect(await getHealth()).toEqual([['initial', 'Elb.RegistrationInProgress']])
  const [target] = account.aws.state.targetGroups.get(groupArn)?.targets ?? []
  if (!target) throw new Error('unreachable')
  target.healthyAt = 0
  expect(await getHealth()).toEqual([['healthy', undefined]])
  target.unhealthyReason = 'Target.FailedHealthChecks'
  expect(await getHealth()).toEqual([['unhealthy', 'Target.FailedHealthChecks']])
  expect(
    await getErrorText(
      account.elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: groupArn })),
    ),
  ).toMatch(
    /^ResourceInUseException: Target group '.*' is currently in use by a listener or a rule$/,
  )
  await account.elb.send(
    new ModifyRuleCommand({
      RuleArn: ruleArn,
      Actions: [
        {
          Type: 'redirect',
          RedirectConfig: { Protocol: 'HTTPS', Port: '443', StatusCode: 'HTTP_301' },
        },
      ],
    }),
  )
  expect(
    (await account.elb.send(new DescribeRulesCommand({ RuleArns: [ruleArn] }))).Rules?.[0]
      ?.Actions?.[0],
  ).toMatchObject({
    Type: 'redirect',
    RedirectConfig: { Protocol: 'HTTPS', StatusCode: 'HTTP_301', Host: '#{host}' },
  })
  await account.elb.send(
    new DeregisterTargetsCommand({ TargetGroupArn: groupArn, Targets: targets }),
  )
  await account.elb.send(new DeleteRuleCommand({ RuleArn: ruleArn }))
  await account.elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: groupArn }))
  expect(
    (await account.elb.send(new DescribeListenersCommand({ LoadBalancerArn: loadBalancerArn })))
      .Listeners?.[0],
  ).toMatchObject({
    ListenerArn: listenerArn,
    Port: 443,
    Protocol: 'HTTPS',
    SslPolicy: 'ELBSecurityPolicy-2016-08',
    DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }],
  })
  expect(
    await getErrorText(
      createListener(
        { Certificates: [{ CertificateArn: await account.importCertificate() }] },
        loadBalancerArn,
      ),
    ),
  ).toContain('DuplicateListenerException: A listener already exists on this port')
})

test.each<[version: string, matcher: { GrpcCode?: string; HttpCode?: string }, message: string]>([
  [
    'GRPC',
    { GrpcCode: '200' },
    "Health check matcher GRPC code '200' must be within '0-99' inclusive",
  ],
  ['GRPC', { GrpcCode: '0-99' }, 'none'],
  ['HTTP1', { HttpCode: '200,301' }, 'none'],
  [
    'HTTP1',
    { HttpCode: '12' },
    "Health check matcher HTTP code '12' must be within '200-499' inclusive",
  ],
])('validates the matcher of a %s target group: %j', async (version, Matcher, message) => {
  const TargetGroupArn = await createTargetGroup('g', version)
  expect(
    await getErrorText(account.elb.send(new ModifyTargetGroupCommand({ TargetGroupArn, Matcher }))),
  ).toContain(message)
})
