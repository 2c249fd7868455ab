/** preflight: finds what the inputs name, and everything that could fail later for a reason that can be known now, all of it at once. */
import { getCACertificates } from 'node:tls'
import { ActionError, combine, settleAll } from '../core/errors.ts'
import type { Context } from '../core/step.ts'
import { decodeRevision, readLabels, releaseSelector, type ReleaseRevision, type RevisionLabels } from '../helm/release.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import * as paths from '../kubernetes/paths.ts'
import type { AnyObject, DataObject, Event, Ingress, IngressClass, Service } from '../kubernetes/types.ts'
import type { Settings } from '../settings/types.ts'
import { secretsInValues } from '../helm/values.ts'
import { ownedAnnotations } from '../kubernetes/ownership.ts'
import { checkMaterial, expiryWarning, isTrusted } from '../x509/checks.ts'
import { fieldManager } from './ingress-object.ts'

/** What the inputs name, as it is in the cluster. */
export interface Target {
  readonly namespace: { readonly name: string; readonly uid: string }
  /** The helm release; undefined when `service` names a Milvus without one. */
  readonly release: Release | undefined
  readonly service: { readonly name: string; readonly type: string; readonly port: number }
  readonly ingressName: string
  /** The Ingress of that name, when there is one. */
  readonly ingress: Ingress | undefined
  /** The events of the Ingress. */
  readonly events: readonly Event[]
}

/** A release: its newest revision, and the one whose values an upgrade starts from. */
export interface Release {
  readonly last: ReleaseRevision
  readonly current: ReleaseRevision
}

/** The controllers that make an ALB from an Ingress: AWS Load Balancer Controller, EKS Auto Mode. */
const albControllers = ['ingress.k8s.aws/alb', 'eks.amazonaws.com/alb']

/** @throws ActionError of every problem found */
export async function observe(context: Context, settings: Settings, kubernetes: KubernetesClient): Promise<Target> {
  const [target] = await settleAll([findTarget(context, settings, kubernetes), Promise.resolve().then(() => checkCertificate(context, settings)), checkIngressClass(context, settings, kubernetes)] as const)
  return target
}

function checkCertificate(context: Context, { certificate, host, expiryWarning: threshold, probe }: Settings): void {
  if (certificate.kind === 'arn') return
  const { material } = certificate
  const problems = checkMaterial(material, host, context.clock.now())
  if (problems.length > 0) throw combine(problems)
  const soon = expiryWarning(material.leaf, threshold, context.clock.now())
  if (soon !== undefined) context.log.warn(soon)
  if (material.reordered) context.log.note('The certificates were not given in order, the leaf first and each issuer after what it signed; they are imported in order.')
  if (isTrusted(material)) return
  const probed = probe.required && probe.ca === undefined && !isTrusted(material, getCACertificates('default'))
  context.log.note(`The certificate is from an authority that clients do not know by themselves: they need its certificate (pymilvus: server_pem_path)${probed ? ', and the probe needs it as probe-ca or it will fail' : ''}.`)
}

async function checkIngressClass(context: Context, settings: Settings, kubernetes: KubernetesClient): Promise<void> {
  const name = settings.ingress.className
  const found = await kubernetes.get<IngressClass>(paths.ingressClassPath(name), `read IngressClass ${name}`).catch((thrown: unknown) => {
    if (!(thrown instanceof ActionError) || thrown.code !== 'cluster-forbidden') throw thrown
    context.log.note(`This identity may not read IngressClass ${name}, so that whether an ALB controller serves it was not checked.`)
    return 'unknown' as const
  })
  if (found === 'unknown') return
  if (!found) {
    throw new ActionError({
      code: 'ingress-class-not-found',
      problem: `There is no IngressClass ${name} in the cluster.`,
      remedy: 'Install the AWS Load Balancer Controller (it brings the class alb), or set ingress-class to the class of yours.',
    })
  }
  const controller = found.spec.controller ?? ''
  if (albControllers.includes(controller)) return
  throw new ActionError({
    code: 'ingress-class-unsupported',
    problem: `IngressClass ${name} belongs to ${controller || 'no controller'}, which makes no ALB.`,
    remedy: `Set ingress-class to a class of ${albControllers.join(' or ')} ("kubectl get ingressclass").`,
  })
}

async function findTarget(context: Context, settings: Settings, kubernetes: KubernetesClient): Promise<Target> {
  const name = settings.namespace
  const inNamespace = `in namespace ${name}`
  const [namespace, release, services, ingresses, events] = await settleAll([
    findNamespace(kubernetes, name),
    settings.service === undefined ? findRelease(context, settings, kubernetes) : Promise.resolve(undefined),
    kubernetes.list<Service>(paths.servicesPath(name), {}, `list Services ${inNamespace}`),
    kubernetes.list<Ingress>(paths.ingressesPath(name), {}, `list Ingresses ${inNamespace}`),
    kubernetes.list<Event>(paths.eventsPath(name), { fieldSelector: 'involvedObject.kind=Ingress' }, `list Events ${inNamespace}`),
  ] as const)
  const service = findService(settings, services, release)
  const ingressName = settings.ingress.name ?? release?.last.name ?? service.metadata.name
  const ingress = ingresses.find(({ metadata }) => metadata.name === ingressName)
  if (ingress) refuseForeignIngress(settings, ingress)
  secretsInValues(release?.current.values).concat(secretsInValues(release?.last.values)).forEach((secret) => context.conceal(secret))
  return {
    namespace,
    release,
    service: { name: service.metadata.name, type: service.spec.type ?? 'ClusterIP', port: findPort(settings, service) },
    ingressName,
    ingress,
    events: events.filter(({ involvedObject }) => involvedObject.uid === ingress?.metadata.uid),
  }
}

async function findNamespace(kubernetes: KubernetesClient, name: string): Promise<Target['namespace']> {
  const namespace = await kubernetes.get<AnyObject>(paths.namespacePath(name), `read namespace ${name}`)
  if (namespace) return { name, uid: namespace.metadata.uid }
  throw new ActionError({ code: 'namespace-not-found', problem: `There is no namespace ${name} in the cluster.`, remedy: 'Set namespace to the one that Milvus runs in, and check that cluster (or context) is the one that is meant.' })
}

async function findRelease(context: Context, settings: Settings, kubernetes: KubernetesClient): Promise<Release> {
  const kind = settings.helmStorage
  const path = paths.releasesPath(kind, settings.namespace)
  const selector = settings.release === undefined ? releaseSelector : `${releaseSelector},name=${settings.release}`
  const objects = await kubernetes.listMetadata<AnyObject>(path, { labelSelector: selector }, `list the ${kind}s of helm in namespace ${settings.namespace}`)
  const read = async (objectName: string): Promise<ReleaseRevision> => {
    const object = await kubernetes.get<DataObject>(`${path}/${objectName}`, `read ${kind} ${objectName}`)
    return decodeRevision(object?.data?.['release'] ?? '', kind, objectName)
  }
  const releases = await Promise.all(newestRevisions(objects).map(async ({ last, current }) => {
    const lastRevision = await read(last)
    return { last: lastRevision, current: current === last ? lastRevision : await read(current) }
  }))
  const release = chooseRelease(settings, releases)
  if (/^pending-/.test(release.last.status)) throw pending(release.last, settings.namespace)
  context.log.info(`release ${release.last.name}: revision ${release.last.revision}, ${release.last.status}, chart ${release.last.chart.name} ${release.last.chart.version}`)
  return release
}

/** For each release the names of the objects of its newest revision and of the one whose values helm starts an upgrade from: the last that was deployed. */
export function newestRevisions(objects: readonly AnyObject[]): { last: string; current: string }[] {
  const revisions = objects.flatMap(({ metadata }) => {
    const labels = readLabels(metadata.labels)
    return labels ? [{ ...labels, object: metadata.name }] : []
  })
  const newest = (some: readonly (RevisionLabels & { object: string })[]) => [...some].sort((a, b) => b.revision - a.revision)[0]
  return [...new Set(revisions.map(({ name }) => name))].flatMap((release) => {
    const own = revisions.filter(({ name }) => name === release)
    const last = newest(own)
    const deployed = newest(own.filter(({ status }) => status === 'deployed'))
    // "helm uninstall --keep-history" leaves the revisions behind: the newest says that the release is gone.
    return last && last.status !== 'uninstalled' ? [{ last: last.object, current: (deployed ?? last).object }] : []
  })
}

function chooseRelease(settings: Settings, releases: readonly Release[]): Release {
  const candidates = settings.release === undefined ? releases.filter(({ last }) => last.chart.name === 'milvus') : releases
  const [first, second] = candidates
  const where = `namespace ${settings.namespace}`
  if (!first) {
    throw new ActionError({
      code: 'release-not-found',
      problem: settings.release === undefined ? `There is no helm release of the chart milvus in ${where}.` : `There is no helm release ${settings.release} in ${where}.`,
      remedy: 'Set release and namespace as "helm list -A" shows them; for a Milvus that helm did not install, set service to the name of its Service.',
    })
  }
  if (!second) return first
  throw new ActionError({
    code: 'release-ambiguous',
    problem: `There are ${candidates.length} Milvus releases in ${where}: ${candidates.map(({ last }) => last.name).join(', ')}.`,
    remedy: 'Set release to the one that is meant.',
  })
}

function pending({ name, revision, status, deployedAt }: ReleaseRevision, namespace: string): ActionError {
  return new ActionError({
    code: 'release-pending',
    problem: `Release ${name} is ${status} (revision ${revision}, since ${deployedAt}): another helm is at work, or one was killed.`,
    remedy: status === 'pending-install'
      ? 'If none is at work, finish or remove the installation by hand: there is nothing to roll back to. Then run the job again.'
      : `If none is at work, run "helm history ${name} -n ${namespace}", then "helm rollback ${name} REVISION -n ${namespace} --wait" with the last revision that it shows as deployed; then run the job again.`,
  })
}

/** The components whose Service is Milvus' API. Source: milvus-helm, templates/service.yaml. */
const apiComponents = ['proxy', 'standalone']

function findService(settings: Settings, services: readonly Service[], release: Release | undefined): Service {
  const where = `namespace ${settings.namespace}`
  const found = services.filter(({ metadata }) =>
    release ? metadata.labels?.['app.kubernetes.io/instance'] === release.last.name && apiComponents.includes(metadata.labels['component'] ?? '') : metadata.name === settings.service)
  const [first, second] = found
  if (!first) {
    throw new ActionError({
      code: 'service-not-found',
      problem: release ? `Release ${release.last.name} has no Service of Milvus' API in ${where} (component ${apiComponents.join(' or ')}).` : `There is no Service ${settings.service ?? ''} in ${where}.`,
      remedy: `Look at "kubectl get services -n ${settings.namespace} --show-labels"; in cluster mode the chart makes it only with proxy.enabled.`,
    })
  }
  if (!second) return first
  throw new ActionError({
    code: 'service-ambiguous',
    problem: `Release ${release?.last.name ?? ''} has ${found.length} Services of Milvus' API: ${found.map(({ metadata }) => metadata.name).join(', ')}.`,
    remedy: 'Set service in place of release to the one that is meant.',
  })
}

/** The port of the gRPC API: the one asked for, else by the name that the chart gives it, else by its usual number. */
function findPort(settings: Settings, service: Service): number {
  const ports = service.spec.ports ?? []
  const wanted = settings.servicePort
  const found = wanted === undefined ? (ports.find(({ name }) => name === 'milvus') ?? ports.find(({ port }) => port === 19530)) : ports.find(({ port }) => port === wanted)
  if (found) return found.port
  throw new ActionError({
    code: 'service-port-not-found',
    problem: `Service ${service.metadata.name} has no port ${wanted ?? 'named milvus, nor 19530'}; it has ${ports.map(({ name, port }) => (name ? `${port} (${name})` : String(port))).join(', ') || 'none'}.`,
    remedy: "Set service-port to the port of Milvus' gRPC API.",
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
