/**
 * Listeners, their certificates and rules: pkg/deploy/elbv2/listener_manager.go and
 * listener_rule_manager.go of v3.5.0.
 */
import {
  AddListenerCertificatesCommand,
  CreateListenerCommand,
  CreateRuleCommand,
  DeleteListenerCommand,
  DeleteRuleCommand,
  DescribeListenerCertificatesCommand,
  ModifyListenerCommand,
  ModifyRuleCommand,
  RemoveListenerCertificatesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type {
  Action,
  Listener,
  ProtocolEnum,
  Rule,
  RuleCondition,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { DeployContext } from './deploy.ts'
import { tagList } from './elbv2.ts'
import type { ActionModel, ListenerModel, Model, RuleModel } from './model.ts'
import { buildTags } from './naming.ts'

/** The policy of listeners that no annotation gives one (--default-ssl-policy). */
const DEFAULT_SSL_POLICY = 'ELBSecurityPolicy-2016-08'

/**
 * Makes a load balancer have the model's listeners and no others; `arns` are the target groups by
 * their resource.
 */
export async function deployListeners(
  context: DeployContext,
  model: Model,
  loadBalancerArn: string,
  targetGroupArns: ReadonlyMap<string, string>,
): Promise<void> {
  const { elbv2 } = context
  const existing = await elbv2.listListeners(loadBalancerArn)
  for (const stale of existing.filter(
    ({ Port }) => !model.listeners.some(({ port }) => port === Port),
  )) {
    await elbv2.call('DeleteListener', (client) =>
      client.send(new DeleteListenerCommand({ ListenerArn: stale.ListenerArn })),
    )
  }
  const deployed: { desired: ListenerModel; arn: string }[] = []
  for (const desired of model.listeners) {
    const match = existing.find(({ Port }) => Port === desired.port)
    const arn = match
      ? await modifyListener(context, desired, match, targetGroupArns)
      : await createListener(context, model, desired, loadBalancerArn, targetGroupArns)
    await deployCertificates(context, desired, arn)
    deployed.push({ desired, arn })
  }
  for (const { desired, arn } of deployed)
    await deployRules(context, model, desired, arn, targetGroupArns)
}

function buildListenerInput(
  desired: ListenerModel,
  targetGroupArns: ReadonlyMap<string, string>,
): {
  Port: number
  Protocol: ProtocolEnum
  DefaultActions: Action[]
  SslPolicy?: string
  Certificates?: { CertificateArn: string }[]
} {
  const [defaultArn] = desired.certificateArns
  return {
    Port: desired.port,
    Protocol: desired.protocol as ProtocolEnum,
    DefaultActions: [toAction(desired.defaultAction, targetGroupArns)],
    ...(desired.protocol === 'HTTPS' ? { SslPolicy: desired.sslPolicy ?? DEFAULT_SSL_POLICY } : {}),
    ...(defaultArn === undefined ? {} : { Certificates: [{ CertificateArn: defaultArn }] }),
  }
}

async function createListener(
  context: DeployContext,
  model: Model,
  desired: ListenerModel,
  loadBalancerArn: string,
  targetGroupArns: ReadonlyMap<string, string>,
): Promise<string> {
  const Tags = tagList({
    ...model.loadBalancer.tags,
    ...buildTags(context.cluster, model.group, String(desired.port)),
  })
  const input = {
    LoadBalancerArn: loadBalancerArn,
    Tags,
    ...buildListenerInput(desired, targetGroupArns),
  }
  const response = await context.elbv2.call('CreateListener', (client) =>
    client.send(new CreateListenerCommand(input)),
  )
  return response.Listeners?.[0]?.ListenerArn ?? ''
}

async function modifyListener(
  context: DeployContext,
  desired: ListenerModel,
  existing: Listener,
  targetGroupArns: ReadonlyMap<string, string>,
): Promise<string> {
  const fields = buildListenerInput(desired, targetGroupArns)
  const isUnchanged =
    existing.Protocol === fields.Protocol &&
    (fields.SslPolicy === undefined || existing.SslPolicy === fields.SslPolicy) &&
    (fields.Certificates === undefined ||
      existing.Certificates?.[0]?.CertificateArn === fields.Certificates[0]?.CertificateArn) &&
    hasSameActions(existing.DefaultActions, fields.DefaultActions)
  const arn = existing.ListenerArn ?? ''
  if (!isUnchanged)
    await context.elbv2.call('ModifyListener', (client) =>
      client.send(new ModifyListenerCommand({ ListenerArn: arn, ...fields })),
    )
  return arn
}

/**
 * Every certificate is added for its server names, the default one too (listener_manager.go:425,
 * since v3.4.1).
 */
async function deployCertificates(
  { elbv2 }: DeployContext,
  desired: ListenerModel,
  listenerArn: string,
): Promise<void> {
  if (desired.certificateArns.length === 0) return
  const response = await elbv2.call('DescribeListenerCertificates', (client) =>
    client.send(new DescribeListenerCertificatesCommand({ ListenerArn: listenerArn })),
  )
  const existing = (response.Certificates ?? []).map(({ CertificateArn, IsDefault }) => ({
    arn: CertificateArn ?? '',
    standard: IsDefault === true,
  }))
  const missing = desired.certificateArns.filter(
    (arn) => !existing.some((each) => each.arn === arn),
  )
  const stale = existing
    .filter(({ arn, standard: isDefault }) => !isDefault && !desired.certificateArns.includes(arn))
    .map(({ arn }) => arn)
  for (const arn of missing) {
    const input = { ListenerArn: listenerArn, Certificates: [{ CertificateArn: arn }] }
    await elbv2.call('AddListenerCertificates', (client) =>
      client.send(new AddListenerCertificatesCommand(input)),
    )
  }
  for (const arn of stale) {
    const input = { ListenerArn: listenerArn, Certificates: [{ CertificateArn: arn }] }
    await elbv2.call('RemoveListenerCertificates', (client) =>
      client.send(new RemoveListenerCertificatesCommand(input)),
    )
  }
}

async function deployRules(
  context: DeployContext,
  model: Model,
  desired: ListenerModel,
  listenerArn: string,
  targetGroupArns: ReadonlyMap<string, string>,
): Promise<void> {
  const { elbv2 } = context
  const existing = await elbv2.listRules(listenerArn)
  for (const [index, rule] of desired.rules.entries()) {
    const priority = index + 1
    const match = existing.find(({ Priority }) => Priority === String(priority))
    const Conditions = toConditions(rule)
    const Actions = [toAction(rule.action, targetGroupArns)]
    if (!match) {
      const Tags = tagList({
        ...model.loadBalancer.tags,
        ...buildTags(context.cluster, model.group, `${desired.port}:${priority}`),
      })
      const input = { ListenerArn: listenerArn, Priority: priority, Conditions, Actions, Tags }
      await elbv2
        .call('CreateRule', (client) => client.send(new CreateRuleCommand(input)))
        .catch((error: unknown) => {
          throw new Error(
            `failed to create listener rule: ${error instanceof Error ? error.message : String(error)}`,
            { cause: error },
          )
        })
    } else if (!isSameRule(match, Conditions, Actions)) {
      const input = { RuleArn: match.RuleArn, Conditions, Actions }
      await elbv2.call('ModifyRule', (client) => client.send(new ModifyRuleCommand(input)))
    }
  }
  for (const { RuleArn, Priority } of existing) {
    if (Number(Priority) > desired.rules.length)
      await elbv2.call('DeleteRule', (client) => client.send(new DeleteRuleCommand({ RuleArn })))
  }
}

function toConditions({ hosts, paths }: RuleModel): RuleCondition[] {
  return [
    ...(hosts.length === 0
      ? []
      : [{ Field: 'host-header', HostHeaderConfig: { Values: [...hosts] } }]),
    ...(paths.length === 0
      ? []
      : [{ Field: 'path-pattern', PathPatternConfig: { Values: [...paths] } }]),
  ]
}

function toAction(action: ActionModel, targetGroupArns: ReadonlyMap<string, string>): Action {
  const kinds = {
    forward: (): Action => ({
      Type: 'forward',
      ForwardConfig: {
        TargetGroups: [
          {
            TargetGroupArn:
              targetGroupArns.get(action.kind === 'forward' ? action.targetGroup : '') ?? '',
            Weight: 1,
          },
        ],
      },
    }),
    'fixed-response': (): Action => {
      const { status, body } =
        action.kind === 'fixed-response' ? action : { status: '404', body: '' }
      return {
        Type: 'fixed-response',
        FixedResponseConfig: {
          ContentType: 'text/plain',
          StatusCode: status,
          ...(body === '' ? {} : { MessageBody: body }),
        },
      }
    },
    redirect: (): Action => ({
      Type: 'redirect',
      RedirectConfig: {
        Protocol: 'HTTPS',
        Port: action.kind === 'redirect' ? action.port : '443',
        StatusCode: 'HTTP_301',
      },
    }),
  }
  return kinds[action.kind]()
}

/** What AWS fills in by itself does not count. */
function serializeAction(action: Action | undefined): string {
  return JSON.stringify([
    action?.Type,
    action?.TargetGroupArn ?? action?.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn,
    action?.FixedResponseConfig?.StatusCode,
    action?.FixedResponseConfig?.MessageBody ?? '',
    action?.RedirectConfig?.Port,
  ])
}

function hasSameActions(
  existingActions: readonly Action[] | undefined,
  desiredActions: readonly Action[],
): boolean {
  // A forward action is described in two ways at once.
  return serializeAction(existingActions?.[0]) === serializeAction(desiredActions[0])
}

function isSameRule(
  existing: Rule,
  conditions: readonly RuleCondition[],
  actions: readonly Action[],
): boolean {
  const serializeConditions = (all: readonly RuleCondition[]): string =>
    JSON.stringify(
      all
        .map(({ Field, HostHeaderConfig, PathPatternConfig, Values }) => [
          Field,
          HostHeaderConfig?.Values ?? PathPatternConfig?.Values ?? Values,
        ])
        .sort(),
    )
  return (
    serializeConditions(existing.Conditions ?? []) === serializeConditions(conditions) &&
    hasSameActions(existing.Actions, actions)
  )
}
