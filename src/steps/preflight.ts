/** preflight: finds what the inputs name, and everything that could fail later for a reason that can be known now, all of it at once. */
import { getCACertificates } from 'node:tls'
import { ActionError, asActionError, combine, settleAll } from '../core/errors.ts'
import type { Context } from '../core/step.ts'
import { valueAt, valuesPathOf } from '../helm/milvus-chart.ts'
import { secretsInValues } from '../helm/values.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import { ownedAnnotations } from '../kubernetes/ownership.ts'
import { managerOf, type Manager } from '../kubernetes/managers.ts'
import * as paths from '../kubernetes/paths.ts'
import type { AnyObject, Event, Ingress, Service } from '../kubernetes/types.ts'
import { annotationPrefix, parseMutualAuthentication, unknownAnnotations } from '../settings/annotations.ts'
import type { Settings } from '../settings/types.ts'
import { checkMaterial, clientWarning, expiryWarning, isTrusted } from '../x509/checks.ts'
import { eventsOf, lastWord } from './controller-verdict.ts'
import { fieldManager } from './ingress-object.ts'
import { Access, ingressPermissions, readPermissions } from './preflight/access.ts'
import { checkBackendTls } from './preflight/backend-tls.ts'
import { checkController } from './preflight/controller.ts'
import { checkGroup, remarkAlb, slim } from './preflight/group.ts'
import { checkIngressClass, type ClassParams } from './preflight/ingress-class.ts'
import { remarkOldLoadBalancer } from './preflight/old-load-balancer.ts'
import { findReadableRelease, type Release } from './preflight/release.ts'
import { checkEndpoints, checkService, findPort, findService, possible, releaseOf, remarkOtherManagers } from './preflight/service.ts'

export type { Release } from './preflight/release.ts'

/** What the inputs name, as it is in the cluster. */
export interface Target {
  readonly namespace: { readonly name: string; readonly uid: string }
  /** The helm release; undefined when `service` names a Milvus without one. */
  readonly release: Release | undefined
  /** Its name in a check that may not read it, and therefore knows only its Service. */
  readonly unreadRelease: string | undefined
  /** `live`: all of it, as it was read. */
  readonly service: { readonly name: string; readonly type: string; readonly port: number; readonly live?: Service }
  /** What else keeps that Service: its tool would set back what helm changes. */
  readonly manager: Manager | undefined
  readonly ingressName: string
  /** The Ingress of that name, when there is one. */
  readonly ingress: Ingress | undefined
  /** The events of the Ingress. */
  readonly events: readonly Event[]
  /** What the class sets over the Ingress. */
  readonly classParams: ClassParams
}

/**
 * @returns `target`: what the inputs name, as far as it can be read; `checked`: whether all that has to hold besides does.
 * Each rejects with an ActionError of every problem found
 */
export function observe(context: Context, settings: Settings, kubernetes: KubernetesClient, access: Access): { readonly target: Promise<Target>; readonly checked: Promise<unknown> } {
  const namespace = findNamespace(kubernetes, settings.namespace)
  remarkInputs(context, settings)
  const ingressClass = checkIngressClass(context, settings, kubernetes, namespace)
  const ingresses = kubernetes.list<Ingress>(paths.ingressesPath(settings.namespace), {}, `list Ingresses in namespace ${settings.namespace}`, slim(settings))
  const finding = findTarget(context, settings, kubernetes, namespace, ingresses)
  const beside = Promise.all([finding, ingresses, ingressClass]).then(([{ ingressName, ingress }, all, { params }]) => {
    remarkAlb(context, settings, ingress)
    checkGroup(context, settings, ingressName, all, params)
  })
  const explain = async (thrown: unknown): Promise<never> => {
    const storage = settings.service === undefined ? settings.helmStorage : undefined
    throw await access.explain(asActionError(thrown), [...readPermissions(settings.namespace, storage), ...ingressPermissions(false)])
  }
  const spoken = finding.then(({ release, service, ingress }) => { checkBackendTls(settings, { release, service: service.live, ingress }) })
  const certified = Promise.resolve().then(() => checkCertificate(context, settings))
  const classParams = ingressClass.then(({ params }) => params, () => 'unreadable' as const)
  return {
    target: Promise.all([finding, classParams]).then(([target, params]) => ({ ...target, classParams: params })).catch(explain),
    checked: settleAll([ingressClass, beside, spoken, certified, checkController(context, settings, kubernetes, ingressClass)]).catch(explain),
  }
}

/** What inputs say that is not wrong, and may not be meant. */
function remarkInputs(context: Context, { ingress, probe }: Settings): void {
  const annotated = (name: string): string | undefined => ingress.annotations[annotationPrefix + name]
  for (const { key, meant } of unknownAnnotations(ingress.annotations)) {
    context.log.warn(`annotations has ${key}, which the controller does not know${meant === undefined ? ' and ignores.' : `: did you mean ${meant}?`}`)
  }
  if (ingress.inboundCidrs.length > 0 && ingress.securityGroups.length > 0) {
    context.log.warn('inbound-cidrs does nothing beside security-groups: the controller leaves those groups as they are, and they decide who may connect.')
  }
  const ipv6 = ingress.inboundCidrs.filter((block) => block.includes(':'))
  if (ipv6.length > 0 && !annotated('ip-address-type')?.startsWith('dualstack')) {
    context.log.warn(`inbound-cidrs has IPv6 blocks (${ipv6.join(', ')}), and an ALB has IPv6 addresses only with annotation ${annotationPrefix}ip-address-type: dualstack: they let nobody in.`)
  }
  const redirect = annotated('ssl-redirect')
  if (redirect !== undefined && redirect !== String(ingress.listenPort)) {
    context.log.warn(`ssl-redirect in annotations names port ${redirect}, and listen-port is ${ingress.listenPort}: the controller refuses that unless another Ingress of the group listens there.`)
  }
  if (probe.required && parseMutualAuthentication(annotated('mutual-authentication') ?? '')?.some(({ mode }) => mode === 'verify')) {
    context.log.warn('mutual-authentication in annotations asks clients for a certificate, and the probe has none: it will fail. Set probe: off, and test with a client of yours.')
  }
  if (ingress.subnets.length === 1) context.log.warn('subnets names one subnet, and an ALB takes two in different zones at least (one only in a local zone or on an Outpost).')
}

function checkCertificate(context: Context, { certificate, host, expiryWarning: threshold, probe }: Settings): void {
  if (certificate.kind !== 'material') return
  const { material } = certificate
  const problems = checkMaterial(material, host, context.clock.now())
  if (problems.length > 0) throw combine(problems)
  for (const warning of [expiryWarning(material.leaf, threshold, context.clock.now()), clientWarning(material.leaf)]) if (warning !== undefined) context.log.warn(warning)
  if (material.completed) context.log.note('The certificate came without those of its authority: they were found in probe-ca, and are imported with it.')
  if (material.reordered) context.log.note('The certificates were not given in order, the leaf first and each issuer after what it signed; they are imported in order.')
  if (isTrusted(material)) return
  const probed = probe.required && probe.ca === undefined && !isTrusted(material, getCACertificates('default'))
  context.log.note(`The certificate is from an authority that clients do not know by themselves: they need its certificate (pymilvus: server_pem_path)${probed ? ', and the probe needs it as probe-ca or it will fail' : ''}.`)
}

async function findTarget(context: Context, settings: Settings, kubernetes: KubernetesClient, finding: Promise<AnyObject>, listingIngresses: Promise<readonly Ingress[]>): Promise<Omit<Target, 'classParams'>> {
  const name = settings.namespace
  const inNamespace = `in namespace ${name}`
  const listingServices = kubernetes.list<Service>(paths.servicesPath(name), {}, `list Services ${inNamespace}`, possible(settings))
  const [namespace, release, services, ingresses] = await settleAll([
    finding,
    settings.service === undefined ? findReadableRelease(context, settings, kubernetes, listingServices) : Promise.resolve(undefined),
    listingServices,
    listingIngresses,
  ] as const)
  const service = findService(settings, services, release)
  const unreadRelease = release || settings.service !== undefined ? undefined : releaseOf(service)
  const ingressName = settings.ingress.name ?? release?.last.name ?? unreadRelease ?? service.metadata.name
  const ingress = ingresses.find(({ metadata }) => metadata.name === ingressName)
  secretsInValues(release?.current.values).concat(secretsInValues(release?.last.values)).forEach((secret) => context.conceal(secret))
  const problems: ActionError[] = []
  const collect = <T>(work: () => T): T | undefined => {
    try {
      return work()
    } catch (thrown) {
      problems.push(asActionError(thrown))
      return undefined
    }
  }
  const port = collect(() => findPort(settings, service))
  collect(() => checkService(context, settings, service, port ?? 0, release))
  if (ingress) collect(() => refuseForeignIngress(settings, ingress))
  else collect(() => refuseIngressOfChart(settings, release, service.metadata.name, ingressName))
  if (problems.length > 0) throw combine(problems)
  if (release) {
    remarkOldLoadBalancer(context, service, settings.host)
    remarkOtherManagers(context, service)
  }
  // Only of this Ingress: a namespace may have very many events.
  const [events] = await settleAll([
    kubernetes.list<Event>(paths.eventsPath(name), eventsOf(ingressName), `list Events ${inNamespace}`, lastWord(({ involvedObject }) => involvedObject.uid === ingress?.metadata.uid)),
    checkEndpoints(context, settings, kubernetes, service),
  ] as const)
  return {
    namespace: { name, uid: namespace.metadata.uid },
    release,
    unreadRelease,
    service: { name: service.metadata.name, type: service.spec.type ?? 'ClusterIP', port: port ?? 0, live: service },
    manager: managerOf(service),
    ingressName,
    ingress,
    events,
  }
}

export async function findNamespace(kubernetes: KubernetesClient, name: string): Promise<AnyObject> {
  const namespace = await kubernetes.get<AnyObject>(paths.namespacePath(name), `read namespace ${name}`)
  if (namespace) return namespace
  throw new ActionError({ code: 'namespace-not-found', problem: `There is no namespace ${name} in the cluster.`, remedy: 'Set namespace to the one that Milvus runs in, and check that cluster (or context) is the one that is meant.' })
}

/** The chart's own Ingress has the name of its Service: ours would be under the same one. Source: milvus-helm, templates/ingress.yaml. */
function refuseIngressOfChart(settings: Settings, release: Release | undefined, serviceName: string, ingressName: string): void {
  const path = [...(release ? valuesPathOf(release.current, serviceName) : []), 'ingress', 'enabled']
  const [asked, present] = [settings.values, release?.current.values].map((values) => valueAt(values, path))
  if (!release || (asked ?? present) !== true || ingressName !== serviceName) return
  throw new ActionError({
    code: 'ingress-not-ours',
    problem: `With the values of release ${release.last.name} (${path.join('.')}: true) the chart makes an Ingress ${ingressName} of its own.`,
    remedy: `Turn the chart's own Ingress off with values (${path.join('.')}: false), or set ingress-name to another name.`,
  })
}

function refuseForeignIngress(settings: Settings, { metadata, spec }: Ingress): void {
  const name = metadata.name
  if (metadata.deletionTimestamp !== undefined) {
    throw new ActionError({
      code: 'ingress-terminating',
      problem: `Ingress ${name} is being deleted since ${metadata.deletionTimestamp}.`,
      remedy: `Wait until it is gone; if it stays, the controller cannot delete its load balancer: "kubectl -n kube-system logs deployment/aws-load-balancer-controller".`,
    })
  }
  const release = metadata.annotations?.['meta.helm.sh/release-name']
  if (release !== undefined) {
    throw new ActionError({
      code: 'ingress-not-ours',
      problem: `Ingress ${name} belongs to helm release ${release}, which would undo what this action applies.`,
      remedy: "Turn the chart's own Ingress off (ingress.enabled: false), or set ingress-name to another name.",
    })
  }
  const others = (spec.rules ?? []).map(({ host }) => host ?? '*').filter((host) => host !== settings.host)
  const foreign = [...(spec.ingressClassName === settings.ingress.className ? [] : [`class ${spec.ingressClassName ?? '(none)'}`]), ...others]
  if (foreign.length === 0 || settings.ingress.forceConflicts || ownedAnnotations({ metadata }, fieldManager).size > 0) return
  throw new ActionError({
    code: 'ingress-not-ours',
    problem: `Ingress ${name} was not made by this action, and is for something else: ${foreign.join(', ')}.`,
    remedy: 'Set ingress-name to another name, or force-conflicts: true to replace what it is for.',
  })
}
