/**
 * preflight: finds what the inputs refer to, and reports every predictable problem, all together.
 */
import { settleAll, toActionError } from '../../failures/thrown.ts'
import { ingressesPath } from '../../clients/kubernetes/paths.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import type { EndpointSettings, Settings } from '../../inputs/types.ts'
import type { CertificateMaterial } from '../../x509/certificate.ts'
import type { ClusterRun } from '../run.ts'
import { warnAlbChanges } from './alb-changes.ts'
import { warnIneffectiveAnnotations } from './annotation-effects.ts'
import { checkBackendTls } from './backend-tls.ts'
import { checkController } from './controller.ts'
import {
  checkClassOverrides,
  checkIngressClass,
  effectiveParams,
  findGroupName,
  readOtherClass,
  type ClassParams,
  type IngressClassInfo,
} from './ingress-class.ts'
import { checkIngressGroup, listOtherClasses, trimAnnotations } from './ingress-group.ts'
import {
  checkCertificate,
  checkProbe,
  checkProbeCertificate,
  warnAboutInputs,
} from './input-warnings.ts'
import { checkIpFamilies, warnIpv6Cidrs } from './ip-families.ts'
import {
  ingressApplyPermissions,
  requiredReadPermissions,
  type PermissionChecker,
} from './permissions.ts'
import {
  completeTarget,
  findNamespace,
  findObjects,
  type Target,
  type TargetWithoutClass,
} from './target.ts'

export type { Release } from './release.ts'
export type { Target } from './target.ts'

/** What preflight reads. Each promise rejects with an ActionError of every problem found. */
export interface PreflightResult {
  /** What the inputs refer to, as far as it can be read. */
  readonly target: Promise<Target>
  /**
   * The Ingress of the target, before anything else about it is read. Undefined when it does not
   * exist, or when the objects of the target have a problem, with which `target` rejects.
   */
  readonly ingress: Promise<Ingress | undefined>
  /** Resolves when every other requirement is met. */
  readonly checks: Promise<unknown>
}

/**
 * Starts all reads and checks.
 * @param certificate of the inputs; undefined if they contain none. That it could not be read is
 *   reported by step certificate
 */
export function observe(
  run: ClusterRun<EndpointSettings>,
  access: PermissionChecker,
  certificate: Promise<CertificateMaterial | undefined>,
): PreflightResult {
  const { context, settings, clients } = run
  const { kubernetes } = clients
  warnAboutInputs(context, settings)
  const namespace = findNamespace(kubernetes, settings.namespace)
  const ingressClass = checkIngressClass(run)
  const ingresses = kubernetes.list<Ingress>(
    ingressesPath(settings.namespace),
    {},
    `list Ingresses in namespace ${settings.namespace}`,
    trimAnnotations(settings),
  )
  const objects = findObjects(run, { namespace, ingresses })
  const target = completeTarget(run, objects, ingressClass)
  const liveIngress = objects.then(({ ingress }) => ingress).catch(() => undefined)

  const checkGroup = async (): Promise<void> => {
    const [{ ingressName, ingress }, namespaceIngresses, ownClass] = await Promise.all([
      target,
      ingresses,
      ingressClass,
    ])
    warnAlbChanges(context, settings, ingress, ownClass)
    const classParams = effectiveParams(ownClass, ingress)
    const group = findGroupName(settings.ingress, classParams, ingress)
    if (group === undefined) return
    context.recordTopology({ group })
    checkIngressGroup(context, settings, {
      ingressName,
      ingresses: namespaceIngresses,
      ownClass,
      otherClasses: await readOtherClasses(run, namespaceIngresses),
    })
  }
  const checkTarget = async (): Promise<void> => {
    const { release, service, ingress } = await target
    warnIneffectiveAnnotations(context, settings, service)
    checkBackendTls(settings, { release, service: service.live, ingress })
  }
  const targetWithClass = addClass(target, ingressClass)
  const foundTarget = target.catch(() => undefined)
  const checks = settleAll([
    ingressClass,
    checkClassOverrides(run, ingressClass, { namespace, liveIngress }),
    checkGroup(),
    checkTarget(),
    checkIpv6(run, ingressClass, targetWithClass),
    checkCertificateAndProbe(run, certificate),
    checkController(run, ingressClass, foundTarget),
  ])
  return {
    target: explainDenials(targetWithClass, settings, access),
    ingress: liveIngress,
    checks: explainDenials(checks, settings, access),
  }
}

async function addClass(
  target: Promise<TargetWithoutClass>,
  ingressClass: Promise<IngressClassInfo>,
): Promise<Target> {
  const [found, classInfo] = await Promise.all([target, ingressClass.catch(() => undefined)])
  // A class with a problem, which the checks report, counts as unreadable.
  const classParams: ClassParams = classInfo
    ? effectiveParams(classInfo, found.ingress)
    : { readable: false }
  return { ...found, classParams, classController: classInfo?.controller }
}

async function checkCertificateAndProbe(
  { context, settings }: ClusterRun<EndpointSettings>,
  certificate: Promise<CertificateMaterial | undefined>,
): Promise<void> {
  const material = await certificate.catch(() => undefined)
  await settleAll([
    checkCertificate(context, settings, material),
    Promise.resolve().then(() => checkProbe(settings, material)),
    Promise.resolve().then(() => checkProbeCertificate(context, settings)),
  ])
}

/** The CIDR blocks also when another check reports that the target was not found. */
async function checkIpv6(
  { context, settings }: ClusterRun<EndpointSettings>,
  ingressClass: Promise<IngressClassInfo>,
  targetPromise: Promise<Target>,
): Promise<void> {
  const { params } = await ingressClass
  const target = await targetPromise.catch(() => undefined)
  warnIpv6Cidrs(context, settings, target ?? { classParams: params, ingress: undefined })
  if (target?.service.live) checkIpFamilies(context, settings, target.service.live, target)
}

/** The other classes of the Ingresses in the namespace, by name. */
async function readOtherClasses(
  run: ClusterRun<EndpointSettings>,
  ingresses: readonly Ingress[],
): Promise<ReadonlyMap<string, IngressClassInfo | 'denied'>> {
  const names = listOtherClasses(ingresses, run.settings.ingress.className)
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readOtherClass(run, name)] as const)),
  )
}

/**
 * Replaces denied reads by one error that lists every missing permission of the run. A dry run that
 * may only read needs no others.
 */
async function explainDenials<T>(
  reads: Promise<T>,
  { dryRun, namespace, service, helmStorage }: Settings,
  access: PermissionChecker,
): Promise<T> {
  try {
    return await reads
  } catch (thrown) {
    if (dryRun && (await access.mayOnlyRead())) throw thrown
    const storage = service === undefined ? helmStorage : undefined
    throw await access.explainForbidden(toActionError(thrown), [
      ...requiredReadPermissions(namespace, storage),
      ...ingressApplyPermissions(false),
    ])
  }
}
