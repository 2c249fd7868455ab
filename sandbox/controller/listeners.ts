/**
 * Listeners, their certificates and rules: pkg/deploy/elbv2/listener_manager.go and listener_rule_manager.go of v3.5.0.
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
import type { Action, Listener, ProtocolEnum, Rule, RuleCondition } from '@aws-sdk/client-elastic-load-balancing-v2'
import type { Deployer } from './deploy.ts'
import { tagList } from './elbv2.ts'
import type { ActionModel, ListenerModel, Model, RuleModel } from './model.ts'
import { tagsOf } from './names.ts'

/** The policy of listeners that no annotation gives one (--default-ssl-policy). */
const DEFAULT_SSL_POLICY = 'ELBSecurityPolicy-2016-08'

/** Makes a load balancer have the model's listeners and no others; `arns` are the target groups by their resource. */
export async function deployListeners(deployer: Deployer, model: Model, loadBalancerArn: string, arns: ReadonlyMap<string, string>): Promise<void> {
  const { elbv2 } = deployer
  const held = await elbv2.listeners(loadBalancerArn)
  for (const extra of held.filter(({ Port }) => !model.listeners.some(({ port }) => port === Port))) {
    await elbv2.call('DeleteListener', (client) => client.send(new DeleteListenerCommand({ ListenerArn: extra.ListenerArn })))
  }
  const deployed: { wanted: ListenerModel; arn: string }[] = []
  for (const wanted of model.listeners) {
    const same = held.find(({ Port }) => Port === wanted.port)
    const arn = same ? await modifyListener(deployer, wanted, same, arns) : await createListener(deployer, model, wanted, loadBalancerArn, arns)
    await deployCertificates(deployer, wanted, arn)
    deployed.push({ wanted, arn })
  }
  for (const { wanted, arn } of deployed) await deployRules(deployer, model, wanted, arn, arns)
}

function listenerFields(wanted: ListenerModel, arns: ReadonlyMap<string, string>): { Port: number; Protocol: ProtocolEnum; DefaultActions: Action[]; SslPolicy?: string; Certificates?: { CertificateArn: string }[] } {
  const [standard] = wanted.certificateArns
  return {
    Port: wanted.port,
    Protocol: wanted.protocol as ProtocolEnum,
    DefaultActions: [actionOf(wanted.defaultAction, arns)],
    ...(wanted.protocol === 'HTTPS' ? { SslPolicy: wanted.sslPolicy ?? DEFAULT_SSL_POLICY } : {}),
    ...(standard === undefined ? {} : { Certificates: [{ CertificateArn: standard }] }),
  }
}

async function createListener(deployer: Deployer, model: Model, wanted: ListenerModel, loadBalancerArn: string, arns: ReadonlyMap<string, string>): Promise<string> {
  const Tags = tagList({ ...model.loadBalancer.tags, ...tagsOf(deployer.cluster, model.group, String(wanted.port)) })
  const input = { LoadBalancerArn: loadBalancerArn, Tags, ...listenerFields(wanted, arns) }
  const answer = await deployer.elbv2.call('CreateListener', (client) => client.send(new CreateListenerCommand(input)))
  return answer.Listeners?.[0]?.ListenerArn ?? ''
}

async function modifyListener(deployer: Deployer, wanted: ListenerModel, held: Listener, arns: ReadonlyMap<string, string>): Promise<string> {
  const fields = listenerFields(wanted, arns)
  const same =
    held.Protocol === fields.Protocol &&
    (fields.SslPolicy === undefined || held.SslPolicy === fields.SslPolicy) &&
    (fields.Certificates === undefined || held.Certificates?.[0]?.CertificateArn === fields.Certificates[0]?.CertificateArn) &&
    sameActions(held.DefaultActions, fields.DefaultActions)
  const arn = held.ListenerArn ?? ''
  if (!same) await deployer.elbv2.call('ModifyListener', (client) => client.send(new ModifyListenerCommand({ ListenerArn: arn, ...fields })))
  return arn
}

/** Every certificate is added for its server names, the default one too (listener_manager.go:425, since v3.4.1). */
async function deployCertificates({ elbv2 }: Deployer, wanted: ListenerModel, listenerArn: string): Promise<void> {
  if (wanted.certificateArns.length === 0) return
  const answer = await elbv2.call('DescribeListenerCertificates', (client) => client.send(new DescribeListenerCertificatesCommand({ ListenerArn: listenerArn })))
  const held = (answer.Certificates ?? []).map(({ CertificateArn, IsDefault }) => ({ arn: CertificateArn ?? '', standard: IsDefault === true }))
  const missing = wanted.certificateArns.filter((arn) => !held.some((each) => each.arn === arn))
  const extra = held.filter(({ arn, standard }) => !standard && !wanted.certificateArns.includes(arn)).map(({ arn }) => arn)
  for (const arn of missing) {
    const input = { ListenerArn: listenerArn, Certificates: [{ CertificateArn: arn }] }
    await elbv2.call('AddListenerCertificates', (client) => client.send(new AddListenerCertificatesCommand(input)))
  }
  for (const arn of extra) {
    const input = { ListenerArn: listenerArn, Certificates: [{ CertificateArn: arn }] }
    await elbv2.call('RemoveListenerCertificates', (client) => client.send(new RemoveListenerCertificatesCommand(input)))
  }
}

async function deployRules(deployer: Deployer, model: Model, wanted: ListenerModel, listenerArn: string, arns: ReadonlyMap<string, string>): Promise<void> {
  const { elbv2 } = deployer
  const held = await elbv2.rules(listenerArn)
  for (const [index, rule] of wanted.rules.entries()) {
    const priority = index + 1
    const same = held.find(({ Priority }) => Priority === String(priority))
    const Conditions = conditionsOf(rule)
    const Actions = [actionOf(rule.action, arns)]
    if (!same) {
      const Tags = tagList({ ...model.loadBalancer.tags, ...tagsOf(deployer.cluster, model.group, `${wanted.port}:${priority}`) })
      const input = { ListenerArn: listenerArn, Priority: priority, Conditions, Actions, Tags }
      await elbv2.call('CreateRule', (client) => client.send(new CreateRuleCommand(input))).catch((error: unknown) => {
        throw new Error(`failed to create listener rule: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
      })
    } else if (!sameRule(same, Conditions, Actions)) {
      const input = { RuleArn: same.RuleArn, Conditions, Actions }
      await elbv2.call('ModifyRule', (client) => client.send(new ModifyRuleCommand(input)))
    }
  }
  for (const { RuleArn, Priority } of held) {
    if (Number(Priority) > wanted.rules.length) await elbv2.call('DeleteRule', (client) => client.send(new DeleteRuleCommand({ RuleArn })))
  }
}

function conditionsOf({ hosts, paths }: RuleModel): RuleCondition[] {
  return [
    ...(hosts.length === 0 ? [] : [{ Field: 'host-header', HostHeaderConfig: { Values: [...hosts] } }]),
    ...(paths.length === 0 ? [] : [{ Field: 'path-pattern', PathPatternConfig: { Values: [...paths] } }]),
  ]
}

function actionOf(action: ActionModel, arns: ReadonlyMap<string, string>): Action {
  const kinds = {
    forward: (): Action => ({ Type: 'forward', ForwardConfig: { TargetGroups: [{ TargetGroupArn: arns.get(action.kind === 'forward' ? action.targetGroup : '') ?? '', Weight: 1 }] } }),
    'fixed-response': (): Action => {
      const { status, body } = action.kind === 'fixed-response' ? action : { status: '404', body: '' }
      return { Type: 'fixed-response', FixedResponseConfig: { ContentType: 'text/plain', StatusCode: status, ...(body === '' ? {} : { MessageBody: body }) } }
    },
    redirect: (): Action => ({ Type: 'redirect', RedirectConfig: { Protocol: 'HTTPS', Port: action.kind === 'redirect' ? action.port : '443', StatusCode: 'HTTP_301' } }),
  }
  return kinds[action.kind]()
}

/** What AWS fills in by itself does not count. */
function essence(action: Action | undefined): string {
  return JSON.stringify([
    action?.Type, action?.TargetGroupArn ?? action?.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn,
    action?.FixedResponseConfig?.StatusCode, action?.FixedResponseConfig?.MessageBody ?? '', action?.RedirectConfig?.Port,
  ])
}

function sameActions(one: readonly Action[] | undefined, other: readonly Action[]): boolean {
  // A forward action is described in two ways at once.
  return essence(one?.[0]) === essence(other[0])
}

function sameRule(held: Rule, conditions: readonly RuleCondition[], actions: readonly Action[]): boolean {
  const values = (all: readonly RuleCondition[]): string =>
    JSON.stringify(all.map(({ Field, HostHeaderConfig, PathPatternConfig, Values }) => [Field, HostHeaderConfig?.Values ?? PathPatternConfig?.Values ?? Values]).sort())
  return values(held.Conditions ?? []) === values(conditions) && sameActions(held.Actions, actions)
}
