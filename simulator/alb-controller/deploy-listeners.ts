/**
 * Deploys listeners with their certificates and rules. Sources:
 * pkg/deploy/elbv2/listener_manager.go and listener_rule_manager.go of v3.5.0.
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
  type Action,
  type CreateRuleCommandInput,
  type Listener,
  type MutualAuthenticationAttributes,
  type ProtocolEnum,
  type Rule,
  type RuleCondition,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { DeployContext } from './deploy.ts'
import { tagList, type Elbv2 } from './elbv2.ts'
import type { ActionModel, ListenerModel, Model, RuleModel } from './model-types.ts'
import { buildTags } from './naming.ts'

/** The policy of listeners without annotation (--default-ssl-policy). */
const DEFAULT_SSL_POLICY = 'ELBSecurityPolicy-2016-08'

/** The load balancer whose listeners are deployed. */
export interface ListenerContext extends DeployContext {
  readonly model: Model
  readonly loadBalancerArn: string
  /** By the resource of the target group's model. */
  readonly targetGroupArns: ReadonlyMap<string, string>
}

/** Deploys the listeners of a model, and deletes all others of the load balancer. */
export async function deployListeners(context: ListenerContext): Promise<void> {
  const { elbv2, model } = context
  const existing = await elbv2.listListeners(context.loadBalancerArn)
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
      ? await modifyListener(context, desired, match)
      : await createListener(context, desired)
    await deployCertificates(context, desired, arn)
    deployed.push({ desired, arn })
  }
  for (const { desired, arn } of deployed) await deployRules(context, desired, arn)
}

interface ListenerInput {
  Port: number
  Protocol: ProtocolEnum
  DefaultActions: Action[]
  SslPolicy?: string
  Certificates?: { CertificateArn: string }[]
  MutualAuthentication?: MutualAuthenticationAttributes
}

function buildListenerInput(
  { targetGroupArns }: ListenerContext,
  desired: ListenerModel,
): ListenerInput {
  const input: ListenerInput = {
    Port: desired.port,
    Protocol: desired.protocol as ProtocolEnum,
    DefaultActions: [toAction(desired.defaultAction, targetGroupArns)],
  }
  if (desired.protocol === 'HTTPS') input.SslPolicy = desired.sslPolicy ?? DEFAULT_SSL_POLICY
  if (desired.mutualAuthentication) input.MutualAuthentication = desired.mutualAuthentication
  const [defaultArn] = desired.certificateArns
  if (defaultArn !== undefined) input.Certificates = [{ CertificateArn: defaultArn }]
  return input
}

/** The tags of a listener or a rule. */
function buildTagList({ cluster, model }: ListenerContext, resource: string) {
  return tagList({ ...model.loadBalancer.tags, ...buildTags(cluster, model.group, resource) })
}

async function createListener(context: ListenerContext, desired: ListenerModel): Promise<string> {
  const input = {
    LoadBalancerArn: context.loadBalancerArn,
    Tags: buildTagList(context, String(desired.port)),
    ...buildListenerInput(context, desired),
  }
  const response = await context.elbv2.call('CreateListener', (client) =>
    client.send(new CreateListenerCommand(input)),
  )
  return response.Listeners?.[0]?.ListenerArn ?? ''
}

async function modifyListener(
  context: ListenerContext,
  desired: ListenerModel,
  existing: Listener,
): Promise<string> {
  const fields = buildListenerInput(context, desired)
  const isUnchanged =
    existing.Protocol === fields.Protocol &&
    (fields.SslPolicy === undefined || existing.SslPolicy === fields.SslPolicy) &&
    (fields.Certificates === undefined ||
      existing.Certificates?.[0]?.CertificateArn === fields.Certificates[0]?.CertificateArn) &&
    hasSameMutualAuthentication(existing.MutualAuthentication, fields.MutualAuthentication) &&
    hasSameActions(existing.DefaultActions, fields.DefaultActions)
  const arn = existing.ListenerArn ?? ''
  if (!isUnchanged)
    await context.elbv2.call('ModifyListener', (client) =>
      client.send(new ModifyListenerCommand({ ListenerArn: arn, ...fields })),
    )
  return arn
}

const hasSameMutualAuthentication = (
  existing: MutualAuthenticationAttributes | undefined,
  desired: MutualAuthenticationAttributes | undefined,
): boolean =>
  desired === undefined ||
  (existing?.Mode === desired.Mode &&
    existing?.TrustStoreArn === desired.TrustStoreArn &&
    existing?.IgnoreClientCertificateExpiry === desired.IgnoreClientCertificateExpiry)

/**
 * Adds every certificate for its server names, including the default one (listener_manager.go:425,
 * since v3.4.1).
 */
async function deployCertificates(
  { elbv2 }: ListenerContext,
  desired: ListenerModel,
  listenerArn: string,
): Promise<void> {
  if (desired.certificateArns.length === 0) return
  const response = await elbv2.call('DescribeListenerCertificates', (client) =>
    client.send(new DescribeListenerCertificatesCommand({ ListenerArn: listenerArn })),
  )
  const existing = (response.Certificates ?? []).map(({ CertificateArn, IsDefault }) => ({
    arn: CertificateArn ?? '',
    isDefault: IsDefault === true,
  }))
  const missing = desired.certificateArns.filter(
    (arn) => !existing.some((each) => each.arn === arn),
  )
  const stale = existing
    .filter(({ arn, isDefault }) => !isDefault && !desired.certificateArns.includes(arn))
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
  context: ListenerContext,
  desired: ListenerModel,
  listenerArn: string,
): Promise<void> {
  const { elbv2 } = context
  const existing = await elbv2.listRules(listenerArn)
  for (const [index, rule] of desired.rules.entries()) {
    const priority = index + 1
    const match = existing.find(({ Priority }) => Priority === String(priority))
    const Conditions = toConditions(rule)
    const Actions = [toAction(rule.action, context.targetGroupArns)]
    if (!match) {
      const Tags = buildTagList(context, `${desired.port}:${priority}`)
      const input = { ListenerArn: listenerArn, Priority: priority, Conditions, Actions, Tags }
      await createRule(elbv2, input)
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

async function createRule(elbv2: Elbv2, input: CreateRuleCommandInput): Promise<void> {
  try {
    await elbv2.call('CreateRule', (client) => client.send(new CreateRuleCommand(input)))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`failed to create listener rule: ${message}`, { cause: error })
  }
}

function toConditions({ hosts, paths }: RuleModel): RuleCondition[] {
  const conditions: RuleCondition[] = []
  if (hosts.length > 0)
    conditions.push({ Field: 'host-header', HostHeaderConfig: { Values: [...hosts] } })
  if (paths.length > 0)
    conditions.push({ Field: 'path-pattern', PathPatternConfig: { Values: [...paths] } })
  return conditions
}

function toAction(action: ActionModel, targetGroupArns: ReadonlyMap<string, string>): Action {
  switch (action.kind) {
    case 'forward': {
      const TargetGroupArn = targetGroupArns.get(action.targetGroup) ?? ''
      return {
        Type: 'forward',
        ForwardConfig: { TargetGroups: [{ TargetGroupArn, Weight: 1 }] },
      }
    }
    case 'fixed-response':
      return {
        Type: 'fixed-response',
        FixedResponseConfig: {
          ContentType: 'text/plain',
          StatusCode: action.status,
          ...(action.body === '' ? {} : { MessageBody: action.body }),
        },
      }
    case 'redirect':
      return {
        Type: 'redirect',
        RedirectConfig: { Protocol: 'HTTPS', Port: action.port, StatusCode: 'HTTP_301' },
      }
  }
}

/** The fields of an action that are compared. AWS sets others itself. */
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
  // AWS describes a forward action in two fields at once; serializeAction reads either.
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
