/**
 * preflight: finds what the inputs name, and everything that could fail later for a reason that can
 * be known now, all of it at once.
 */
import { getCACertificates } from 'node:tls'
import { ActionError, combineErrors } from '../../failures/action-error.ts'
import { toActionError, settleAll } from '../../failures/thrown.ts'
import type { Context } from '../step.ts'
import { getValueAtPath, findValuesPath } from '../../clients/helm/milvus-chart.ts'
import { findSecretValues } from '../../clients/helm/values.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { ownedAnnotations } from '../../clients/kubernetes/field-ownership.ts'
import { findManagingTool, type ManagingTool } from '../../clients/kubernetes/managing-tool.ts'
import * as paths from '../../clients/kubernetes/paths.ts'
import type { KubernetesObject, Event, Ingress, Service } from '../../clients/kubernetes/types.ts'
import { parseMutualAuthentication } from '../../controller/annotation-validators.ts'
import { annotationPrefix, findUnknownAnnotations } from '../../controller/annotations.ts'
import type { Settings } from '../../inputs/types.ts'
import {
  checkMaterial,
  formatWeakKeyWarning,
  formatExpiryWarning,
  isTrusted,
} from '../../x509/checks.ts'
import { buildEventSelector, keepLatestStatusEvent } from '../../controller/events.ts'
import { fieldManager } from '../ingress/manifest.ts'
import {
  PermissionChecker,
  ingressApplyPermissions,
  requiredReadPermissions,
} from './permissions.ts'
import { checkBackendTls } from './backend-tls.ts'
import { checkController } from './controller.ts'
import { checkIngressGroup, warnAlbChanges, trimAnnotations } from './ingress-group.ts'
import { checkIngressClass, type ClassParams } from './ingress-class.ts'
import { logOldLoadBalancerNotes } from './old-load-balancer.ts'
import { findReleaseIfReadable, type Release } from './release.ts'
import {
  checkEndpoints,
  checkService,
  findPort,
  findService,
  filterCandidateServices,
  releaseNameOf,
  logOtherFieldManagers,
} from './service.ts'

export type { Release } from './release.ts'

/** What the inputs name, as it is in the cluster. */
export interface Target {
  readonly namespace: { readonly name: string; readonly uid: string }
  /** The helm release; undefined when `service` names a Milvus without one. */
  readonly release: Release | undefined
  /** Its name in a check that may not read it, and therefore knows only its Service. */
  readonly unreadableReleaseName: string | undefined
  /** `live`: all of it, as it was read. */
  readonly service: {
    readonly name: string
    readonly type: string
    readonly port: number
    readonly live?: Service
  }
  /** What else keeps that Service: its tool would set back what helm changes. */
  readonly manager: ManagingTool | undefined
  readonly ingressName: string
  /** The Ingress of that name, when there is one. */
  readonly ingress: Ingress | undefined
  /** The events of the Ingress. */
  readonly events: readonly Event[]
  /** What the class sets over the Ingress. */
  readonly classParams: ClassParams
}

/**
 * @returns `target`: what the inputs name, as far as it can be read; `checked`: whether all that
 *   has to hold besides does. Each rejects with an ActionError of every problem found
 */
export function observe(
  context: Context,
  settings: Settings,
  kubernetes: KubernetesClient,
  access: PermissionChecker,
): { readonly target: Promise<Target>; readonly checks: Promise<unknown> } {
  const namespacePromise = findNamespace(kubernetes, settings.namespace)
  logInputNotes(context, settings)
  const ingressClassPromise = checkIngressClass(context, settings, kubernetes, namespacePromise)
  const ingressesPromise = kubernetes.list<Ingress>(
    paths.ingressesPath(settings.namespace),
    {},
    `list Ingresses in namespace ${settings.namespace}`,
    trimAnnotations(settings),
  )
  const targetPromise = findTarget(
    context,
    settings,
    kubernetes,
    namespacePromise,
    ingressesPromise,
  )
  const groupChecks = Promise.all([targetPromise, ingressesPromise, ingressClassPromise]).then(
    ([{ ingressName, ingress }, namespaceIngresses, { params }]) => {
      warnAlbChanges(context, settings, ingress)
      checkIngressGroup(context, settings, ingressName, namespaceIngresses, params)
    },
  )
  const explain = async (thrown: unknown): Promise<never> => {
    const storage = settings.service === undefined ? settings.helmStorage : undefined
    throw await access.explainForbidden(toActionError(thrown), [
      ...requiredReadPermissions(settings.namespace, storage),
      ...ingressApplyPermissions(false),
    ])
  }
  const backendTlsCheck = targetPromise.then(({ release, service, ingress }) => {
    checkBackendTls(settings, { release, service: service.live, ingress })
  })
  const certificateCheck = Promise.resolve().then(() => checkCertificate(context, settings))
  const classParams = ingressClassPromise.then(
    ({ params }) => params,
    () => 'unreadable' as const,
  )
  return {
    target: Promise.all([targetPromise, classParams])
      .then(([target, params]) => ({ ...target, classParams: params }))
      .catch(explain),
    checks: settleAll([
      ingressClassPromise,
      groupChecks,
      backendTlsCheck,
      certificateCheck,
      checkController(context, settings, kubernetes, ingressClassPromise),
    ]).catch(explain),
  }
}

/** What inputs say that is not wrong, and may not be meant. */
function logInputNotes(context: Context, { ingress, probe }: Settings): void {
  const getAnnotation = (name: string): string | undefined =>
    ingress.annotations[annotationPrefix + name]
  for (const { key, suggestion } of findUnknownAnnotations(ingress.annotations)) {
    context.log.warn(
      `annotations has ${key}, which the controller does not know${suggestion === undefined ? ' and ignores.' : `: did you mean ${suggestion}?`}`,
    )
  }
  if (ingress.inboundCidrs.length > 0 && ingress.securityGroups.length > 0) {
    context.log.warn(
      'inbound-cidrs does nothing beside security-groups: the controller leaves those groups as they are, and they decide who may connect.',
    )
  }
  const ipv6 = ingress.inboundCidrs.filter((block) => block.includes(':'))
  if (ipv6.length > 0 && !getAnnotation('ip-address-type')?.startsWith('dualstack')) {
    context.log.warn(
      `inbound-cidrs has IPv6 blocks (${ipv6.join(', ')}), and an ALB has IPv6 addresses only with annotation ${annotationPrefix}ip-address-type: dualstack: they let nobody in.`,
    )
  }
  const redirect = getAnnotation('ssl-redirect')
  if (redirect !== undefined && redirect !== String(ingress.listenPort)) {
    context.log.warn(
      `ssl-redirect in annotations names port ${redirect}, and listen-port is ${ingress.listenPort}: the controller refuses that unless another Ingress of the group listens there.`,
    )
  }
  if (
    probe.required &&
    parseMutualAuthentication(getAnnotation('mutual-authentication') ?? '')?.some(
      ({ mode }) => mode === 'verify',
    )
  ) {
    context.log.warn(
      'mutual-authentication in annotations asks clients for a certificate, and the probe has none: it will fail. Set probe: off, and test with a client of yours.',
    )
  }
  if (ingress.subnets.length === 1)
    context.log.warn(
      'subnets names one subnet, and an ALB takes two in different zones at least (one only in a local zone or on an Outpost).',
    )
}

function checkCertificate(
  context: Context,
  { certificate, host, expiryWarningDays: threshold, probe }: Settings,
): void {
  if (certificate.kind !== 'material') return
  const { material } = certificate
  const problems = checkMaterial(material, host, context.clock.now())
  if (problems.length > 0) throw combineErrors(problems)
  for (const warning of [
    formatExpiryWarning(material.leaf, threshold, context.clock.now()),
    formatWeakKeyWarning(material.leaf),
  ])
    if (warning !== undefined) context.log.warn(warning)
  if (material.isChainFromCaBundle)
    context.log.note(
      'The certificate came without those of its authority: they were found in probe-ca, and are imported with it.',
    )
  if (material.isReordered)
    context.log.note(
      'The certificates were not given in order, the leaf first and each issuer after what it signed; they are imported in order.',
    )
  if (isTrusted(material)) return
  const probeNeedsCa =
    probe.required && probe.ca === undefined && !isTrusted(material, getCACertificates('default'))
  context.log.note(
    `The certificate is from an authority that clients do not know by themselves: they need its certificate (pymilvus: server_pem_path)${probeNeedsCa ? ', and the probe needs it as probe-ca or it will fail' : ''}.`,
  )
}

async function findTarget(
  context: Context,
  settings: Settings,
  kubernetes: KubernetesClient,
  namespacePromise: Promise<KubernetesObject>,
  ingressesPromise: Promise<readonly Ingress[]>,
): Promise<Omit<Target, 'classParams'>> {
  const name = settings.namespace
  const inNamespace = `in namespace ${name}`
  const servicesPromise = kubernetes.list<Service>(
    paths.servicesPath(name),
    {},
    `list Services ${inNamespace}`,
    filterCandidateServices(settings),
  )
  const [namespace, release, services, ingresses] = await settleAll([
    namespacePromise,
    settings.service === undefined
      ? findReleaseIfReadable(context, settings, kubernetes, servicesPromise)
      : Promise.resolve(undefined),
    servicesPromise,
    ingressesPromise,
  ] as const)
  const service = findService(settings, services, release)
  const unreadableReleaseName =
    release || settings.service !== undefined ? undefined : releaseNameOf(service)
  const ingressName =
    settings.ingress.name ??
    release?.latestRevision.name ??
    unreadableReleaseName ??
    service.metadata.name
  const ingress = ingresses.find(({ metadata }) => metadata.name === ingressName)
  findSecretValues(release?.deployedRevision.values)
    .concat(findSecretValues(release?.latestRevision.values))
    .forEach((secret) => context.redactGuess(secret))
  const problems: ActionError[] = []
  const collect = <T>(check: () => T): T | undefined => {
    try {
      return check()
    } catch (thrown) {
      problems.push(toActionError(thrown))
      return undefined
    }
  }
  const port = collect(() => findPort(settings, service))
  collect(() => checkService(context, settings, service, port ?? 0, release))
  if (ingress) collect(() => rejectForeignIngress(settings, ingress))
  else collect(() => rejectChartIngress(settings, release, service.metadata.name, ingressName))
  if (problems.length > 0) throw combineErrors(problems)
  if (release) {
    logOldLoadBalancerNotes(context, service, settings.host)
    logOtherFieldManagers(context, service)
  }
  // Only of this Ingress: a namespace may have very many events.
  const [events] = await settleAll([
    kubernetes.list<Event>(
      paths.eventsPath(name),
      buildEventSelector(ingressName),
      `list Events ${inNamespace}`,
      keepLatestStatusEvent(({ involvedObject }) => involvedObject.uid === ingress?.metadata.uid),
    ),
    checkEndpoints(context, settings, kubernetes, service),
  ] as const)
  return {
    namespace: { name, uid: namespace.metadata.uid },
    release,
    unreadableReleaseName,
    service: {
      name: service.metadata.name,
      type: service.spec.type ?? 'ClusterIP',
      port: port ?? 0,
      live: service,
    },
    manager: findManagingTool(service),
    ingressName,
    ingress,
    events,
  }
}

export async function findNamespace(
  kubernetes: KubernetesClient,
  name: string,
): Promise<KubernetesObject> {
  const namespace = await kubernetes.get<KubernetesObject>(
    paths.namespacePath(name),
    `read namespace ${name}`,
  )
  if (namespace) return namespace
  throw new ActionError({
    code: 'namespace-not-found',
    problem: `There is no namespace ${name} in the cluster.`,
    remedy:
      'Set namespace to the one that Milvus runs in, and check that cluster (or context) is the one that is meant.',
  })
}

/**
 * The chart's own Ingress has the name of its Service: ours would be under the same one. Source:
 * milvus-helm, templates/ingress.yaml.
 */
function rejectChartIngress(
  settings: Settings,
  release: Release | undefined,
  serviceName: string,
  ingressName: string,
): void {
  const path = [
    ...(release ? findValuesPath(release.deployedRevision, serviceName) : []),
    'ingress',
    'enabled',
  ]
  const [requested, deployed] = [settings.values, release?.deployedRevision.values].map((values) =>
    getValueAtPath(values, path),
  )
  if (!release || (requested ?? deployed) !== true || ingressName !== serviceName) return
  throw new ActionError({
    code: 'ingress-not-ours',
    problem: `With the values of release ${release.latestRevision.name} (${path.join('.')}: true) the chart makes an Ingress ${ingressName} of its own.`,
    remedy: `Turn the chart's own Ingress off with values (${path.join('.')}: false), or set ingress-name to another name.`,
  })
}

function rejectForeignIngress(settings: Settings, { metadata, spec }: Ingress): void {
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
      remedy:
        "Turn the chart's own Ingress off (ingress.enabled: false), or set ingress-name to another name.",
    })
  }
  const otherHosts = (spec.rules ?? [])
    .map(({ host }) => host ?? '*')
    .filter((host) => host !== settings.host)
  const mismatches = [
    ...(spec.ingressClassName === settings.ingress.className
      ? []
      : [`class ${spec.ingressClassName ?? '(none)'}`]),
    ...otherHosts,
  ]
  if (
    mismatches.length === 0 ||
    settings.ingress.forceConflicts ||
    ownedAnnotations({ metadata }, fieldManager).size > 0
  )
    return
  throw new ActionError({
    code: 'ingress-not-ours',
    problem: `Ingress ${name} was not made by this action, and is for something else: ${mismatches.join(', ')}.`,
    remedy: 'Set ingress-name to another name, or force-conflicts: true to replace what it is for.',
  })
}
