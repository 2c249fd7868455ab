/** Before helm changes anything: which objects of the release it would change, and whether that is what was asked for. */
import { ActionError } from '../core/errors.ts'
import type { Context } from '../core/step.ts'
import type { Preview } from '../helm/helm.ts'
import { compareManifests, type Difference } from '../helm/manifest.ts'
import { differingPaths } from '../helm/release.ts'
import type { Helm } from '../helm/session.ts'
import type { Settings } from '../settings/types.ts'
import type { Release, Target } from './preflight.ts'
import { upgradeRequest, type Installed } from './release.ts'

/**
 * Fetches the chart and has helm render the upgrade.
 * @returns the path of the chart
 * @throws ActionError `release-changes-more`, of helm's failures
 */
export async function preview(context: Context, settings: Settings, helm: Helm, { release, service }: Installed & { release: Release }): Promise<string> {
  const chart = await helm.fetchChart({ ...settings.chart, version: settings.chart.version ?? release.current.chart.version })
  const made = await helm.preview(upgradeRequest(release, settings, chart))
  const difference = compareManifests(release.current.manifest, made.manifest)
  context.log.info(`helm would ${inWords(difference)}`)
  const refusal = refuseMore({ release, service }, settings, made.chart, difference)
  if (refusal) throw refusal
  if (made.chart.version !== release.current.chart.version) context.log.note(`Chart ${versions(release, made.chart)}: helm would ${inWords(difference)}.${milvusStep(release, made.chart)}`)
  return chart
}

/** Why an upgrade is more than was asked for; undefined when it is not, or when that is allowed. Pure. */
export function refuseMore({ release, service }: Pick<Target, 'service'> & { release: Release }, settings: Settings, chart: Preview['chart'], difference: Difference): ActionError | undefined {
  if (settings.allowChartChange) return undefined
  const { current } = release
  const would = `helm would ${inWords(difference)}`
  const refusal = (problem: string, remedy: string): ActionError => new ActionError({ code: 'release-changes-more', problem, remedy: `${remedy}; if all of it is meant, set allow-chart-change: true.` })
  if (chart.version !== current.chart.version) {
    return refusal(`Release ${current.name} would go from chart ${versions(release, chart)}: ${would}.${milvusStep(release, chart)}`, settings.chart.version === undefined ? `Give chart ${current.chart.version} to keep it` : `Take chart-version out to keep chart ${current.chart.version}`)
  }
  if (differingPaths(settings.values, current.values).length > 0) {
    const off = switchedOff(settings.values)
    const isAsked = (object: string): boolean => off.some((part) => object.toLowerCase().includes(part))
    const more = [...difference.removed.filter((object) => isStateful(object) || !isAsked(object)), ...difference.added.filter(isStateful)]
    return more.length === 0 ? undefined : refusal(`With values ${would}, which is more than to set values: ${names(more)}.`, 'Take out of values what makes these objects come or go')
  }
  const own = `Service ${service.name}`
  const more = { added: difference.added, removed: difference.removed, changed: difference.changed.filter((object) => object !== own) }
  if (Object.values(more).every((objects) => objects.length === 0)) return undefined
  return refusal(
    `To set the type of ${own} helm would also ${inWords(more)}: chart ${current.chart.name} ${chart.version} now makes other objects than when release ${current.name} was made with it, because it was published anew or comes from elsewhere.`,
    'Set chart-repository and chart to where the release came from',
  )
}

const versions = ({ current }: Release, { version, appVersion }: Preview['chart']): string => `${current.chart.version} (Milvus ${current.chart.appVersion}) to ${version} (Milvus ${appVersion})`

/** Source: milvus-helm, charts/milvus/README.md: 2.6 only from 2.5.16 with mixCoordinator on; no way back. */
function milvusStep({ current }: Release, chart: Preview['chart']): string {
  const [before, after] = [current.chart.appVersion, chart.appVersion].map(number)
  if (before === undefined || after === undefined || before >= number('2.6.0') || after < number('2.6.0')) return ''
  return ` Milvus allows the step to 2.6 only from 2.5.16 or later with mixCoordinator on${before < number('2.5.16') ? ': go to chart 4.2.58 (Milvus 2.5.16) first' : ''}.`
}

const number = (version: string): number => version.replace(/^v/, '').split('.').slice(0, 3).reduce((sum, part) => sum * 1000 + (Number.parseInt(part) || 0), 0)

const isStateful = (object: string): boolean => /^(StatefulSet|PersistentVolumeClaim) /.test(object)

/** The parts that values switch off (`attu: {enabled: false}`), in lower case: that their objects go is what was asked for. */
const switchedOff = (values: object): string[] => Object.entries(values).flatMap(([name, value]: [string, unknown]) =>
  typeof value !== 'object' || value === null ? [] : [...('enabled' in value && value.enabled === false ? [name.toLowerCase()] : []), ...switchedOff(value)])

/** More names than a person reads are counted. */
const longest = 12

const names = (objects: readonly string[]): string => `${objects.slice(0, longest).join(', ')}${objects.length > longest ? ` and ${objects.length - longest} more` : ''}`

function inWords({ added, removed, changed }: Difference): string {
  const parts = Object.entries({ remove: removed, add: added, change: changed }).flatMap(([verb, objects]) => (objects.length === 0 ? [] : [`${verb} ${names(objects)}`]))
  return parts.length === 0 ? 'change no object' : parts.join('; ')
}
