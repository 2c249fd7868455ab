/** The helm release: which one, its revisions, and whether another helm has it in hand. */
import { ActionError } from '../../core/errors.ts'
import type { Context } from '../../core/step.ts'
import { inWords } from '../../core/text.ts'
import { compareManifests } from '../../helm/manifest.ts'
import { decodeRevision, readLabels, releaseSelector, type ReleaseRevision, type RevisionLabels } from '../../helm/release.ts'
import { hasMilvusComponents, isMilvusRelease, servicesOf } from '../../helm/milvus-chart.ts'
import type { KubernetesClient } from '../../kubernetes/client.ts'
import { managerOf } from '../../kubernetes/managers.ts'
import * as paths from '../../kubernetes/paths.ts'
import type { AnyObject, DataObject, Service } from '../../kubernetes/types.ts'
import type { Settings } from '../../settings/types.ts'
import { makerOf } from '../lock.ts'
import { looksLikeMilvus } from './service.ts'

/** A release: its newest revision, and the one whose values an upgrade starts from. */
export interface Release {
  readonly last: ReleaseRevision
  readonly current: ReleaseRevision
  /** How many revisions helm keeps of it. */
  readonly kept?: number
  /** Revisions after the deployed one that runs of this action made, and that failed: what they set, the inputs say anew. */
  readonly ownFailed?: readonly ReleaseRevision[]
}

/** Whether a run of this action made the newest revision, and it failed. */
export const isOwnFailure = ({ last, ownFailed = [] }: Release): boolean => ownFailed.some(({ revision }) => revision === last.revision)

/** Releases that are read at the same time: each carries its whole chart, and only those of Milvus are kept. */
const atOnce = 4

/**
 * @param services of the namespace, to name those that may be meant when there is no release
 * @throws ActionError `release-not-found`, `release-ambiguous`, `release-pending`, `release-unreadable`
 */
export async function findRelease(context: Context, settings: Settings, kubernetes: KubernetesClient, services: Promise<readonly Service[]>): Promise<Release> {
  const kind = settings.helmStorage
  const path = paths.releasesPath(kind, settings.namespace)
  const list = (labelSelector: string): Promise<AnyObject[]> => kubernetes.listMetadata(path, { labelSelector }, `list the ${kind}s of helm in namespace ${settings.namespace}`)
  const read = async (objectName: string): Promise<ReleaseRevision> => {
    const object = await kubernetes.get<DataObject>(`${path}/${objectName}`, `read ${kind} ${objectName}`)
    return decodeRevision(object?.data?.['release'] ?? '', kind, objectName)
  }
  const readThose = async (objects: readonly AnyObject[], isMeant: (last: ReleaseRevision) => boolean): Promise<Release[]> => {
    const waiting = newestRevisions(objects)
    const found: Release[] = []
    const search = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const last = await read(next.last)
        if (isMeant(last)) found.push({ last, current: next.current === next.last ? last : await read(next.current) })
      }
    }
    await Promise.all(Array.from({ length: atOnce }, search))
    return found
  }
  const objects = await list(settings.release === undefined ? releaseSelector : `${releaseSelector},name=${settings.release}`)
  const candidates = await readThose(objects, (last) => settings.release !== undefined || isMilvusRelease(last))
  const release = chooseRelease(settings, candidates)
  const isWrong = release !== undefined && !mayHoldMilvus(release)
  if (settings.release !== undefined && (!release || isWrong)) {
    // One that cannot be read must not hide what is wrong.
    const others = await list(releaseSelector).then((all) => readThose(all, isMilvusRelease)).catch(() => undefined)
    throw wrongRelease(settings, settings.release, release, others)
  }
  if (!release) throw notFound(settings, await services.catch(() => []))
  if (/^(pending-.*|uninstalling)$/.test(release.last.status)) throw pending(release, rollbackRevision(objects, release), { kind, namespace: settings.namespace, now: context.clock.now() })
  context.log.info(`release ${release.last.name}: revision ${release.last.revision}, ${release.last.status}, chart ${release.last.chart.name} ${release.last.chart.version}`)
  const failed = release.last.status === 'failed' ? ownFailedRevisions(objects, release) : []
  const ownFailed = await Promise.all(failed.map(async ({ revision, object }) => (revision === release.last.revision ? release.last : read(object))))
  return { ...release, ownFailed, kept: objects.filter(({ metadata }) => readLabels(metadata.labels)?.name === release.last.name).length }
}

/** As findRelease; undefined for a check that may not read where helm keeps releases: their chart and values are then not compared. */
export async function findReadableRelease(context: Context, settings: Settings, kubernetes: KubernetesClient, services: Promise<readonly Service[]>): Promise<Release | undefined> {
  return findRelease(context, settings, kubernetes, services).catch((thrown: unknown) => {
    if (settings.mode !== 'check' || !(thrown instanceof ActionError) || thrown.code !== 'cluster-forbidden') throw thrown
    const isAsked = settings.chart.version !== undefined || Object.keys(settings.values).length > 0
    if (isAsked) context.unseen(`the releases of helm (list and get ${settings.helmStorage.toLowerCase()}s), so that chart-version and values were not compared`)
    else context.log.info(`The releases of helm may not be read: of the release only its Service is compared.`)
    return undefined
  })
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

/** The failed revisions after the deployed one that runs of this action made. */
function ownFailedRevisions(objects: readonly AnyObject[], { last, current }: Release): { revision: number; object: string }[] {
  return objects.flatMap(({ metadata }) => {
    const labels = readLabels(metadata.labels)
    const isOne = labels?.name === last.name && labels.status === 'failed' && labels.revision > current.revision && makerOf(metadata.labels, labels.revision) !== undefined
    return isOne ? [{ revision: labels.revision, object: metadata.name }] : []
  })
}

/** Undefined when there is none. */
function chooseRelease(settings: Settings, candidates: readonly Release[]): Release | undefined {
  if (candidates.length < 2) return candidates[0]
  throw new ActionError({
    code: 'release-ambiguous',
    problem: `There are ${candidates.length} Milvus releases in namespace ${settings.namespace}: ${candidates.map(({ last }) => last.name).sort().join(', ')}.`,
    remedy: 'Set release to the one that is meant.',
  })
}

/** Whether anything of a release is of Milvus, or looks like it. */
const mayHoldMilvus = ({ current }: Release): boolean => isMilvusRelease(current) || hasMilvusComponents(current) || servicesOf(current.manifest).some((service) => service.hasMilvusPort)

/** The release that an input names is not there, or has no Milvus. @param others the releases of Milvus in the namespace; undefined when they cannot be read */
function wrongRelease({ namespace }: Settings, name: string, found: Release | undefined, others: readonly Release[] | undefined): ActionError {
  return new ActionError({
    code: 'release-not-found',
    problem: found
      ? `Helm release ${name} in namespace ${namespace} is of chart ${found.current.chart.name} ${found.current.chart.version}, and has no Milvus.`
      : `There is no helm release ${name} in namespace ${namespace}.`,
    remedy: chooseAmong(others?.map(({ last }) => last.name).sort()),
  })
}

/** @param names of the releases of Milvus in the namespace */
function chooseAmong(names: readonly string[] | undefined): string {
  if (names === undefined) return 'Set release and namespace as "helm list -A" shows them.'
  const elsewhere = 'set namespace to the one that it is in ("helm list -A" shows all)'
  if (names.length === 0) return `No release of Milvus is in this namespace: ${elsewhere}.`
  return `Set release to ${names.join(' or ')}, ${names.length === 1 ? 'the release' : 'the releases'} of Milvus in this namespace; or ${elsewhere}.`
}

function notFound(settings: Settings, services: readonly Service[]): ActionError {
  const candidates = services.filter(looksLikeMilvus).map((service) => {
    const manager = managerOf(service)
    return `${service.metadata.name}${manager ? ` (of ${manager.tool})` : ''}`
  })
  return new ActionError({
    code: 'release-not-found',
    problem: `There is no helm release of Milvus in namespace ${settings.namespace}.`,
    remedy: candidates.length === 0
      ? 'Set release and namespace as "helm list -A" shows them; for a Milvus that helm did not install, set service to the name of its Service.'
      : `For a Milvus that helm did not install, set service to its Service, which here looks like ${candidates.join(' or ')}; otherwise set release and namespace as "helm list -A" shows them.`,
  })
}

/** The revision to go back to: the last that was deployed, else the last that once was. */
function rollbackRevision(objects: readonly AnyObject[], { last }: Release): number | undefined {
  const revisions = objects.flatMap(({ metadata }) => readLabels(metadata.labels) ?? []).filter(({ name }) => name === last.name)
  const newest = (wanted: string): number => Math.max(...revisions.filter(({ status }) => status === wanted).map(({ revision }) => revision))
  // An uninstall marks the revision that is deployed itself.
  return ['uninstalling', 'deployed', 'superseded'].map(newest).find(Number.isFinite)
}

function pending({ last, current }: Release, rollback: number | undefined, { kind, namespace, now }: { readonly kind: 'Secret' | 'ConfigMap'; readonly namespace: string; readonly now: number }): ActionError {
  const { name, revision, status, deployedAt } = last
  // helm rolls back only to objects that are in the newest revision too, or are not there. Source: helm 3, pkg/kube/client.go, Update ("no ... with the name ... found"); helm 4 alike.
  const isBarred = compareManifests(last.manifest, current.manifest).added.length > 0
  const command = isBarred ? `kubectl delete ${kind.toLowerCase()} sh.helm.release.v1.${name}.v${revision} -n ${namespace}` : `helm rollback ${name} ${rollback ?? ''} -n ${namespace} --wait`
  const begun = status === 'uninstalling' ? NaN : Date.parse(deployedAt)
  const state = Number.isNaN(begun) ? `is ${status}` : `has been ${status} for ${inWords(now - begun)}`
  return new ActionError({
    code: 'release-pending',
    problem: `Release ${name} ${state} (revision ${revision}): another helm is at work, or one was killed, which helm itself never clears.`,
    remedy: rollback === undefined
      ? `If none is at work, there is nothing to roll back to: "helm uninstall ${name} -n ${namespace}" (it keeps the volumes of StatefulSets), and install it again; then run the job again.`
      : `If none is at work, ${status === 'uninstalling' ? 'and the release was meant to stay, ' : ''}run "${command}"${isBarred ? `, which takes the pending revision out of helm's history (a rollback to revision ${rollback} would fail)` : ''}; then run the job again.`,
  })
}
