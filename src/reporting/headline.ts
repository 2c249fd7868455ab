/** The headline of the job summary: the result of the run in one line. Pure. */
import type { ActionError } from '../failures/action-error.ts'
import type { Settings } from '../inputs/types.ts'
import type { Change } from '../steps/step.ts'
import { formatDifferences, formatObjects } from '../util/text.ts'
import { escapeMarkdown } from './markdown.ts'
import type { Report } from './report.ts'

type HeadlineData = Pick<Report, 'changes' | 'outputs'>

/** Whether the run was not to change anything. */
export const isReadOnlyRun = ({ mode, dryRun }: Settings): boolean => mode === 'check' || dryRun

/**
 * @param settings undefined when they could not be read
 * @param error undefined when the run succeeded
 */
export function renderHeadline(
  data: HeadlineData,
  settings: Settings | undefined,
  error: ActionError | undefined,
): string {
  return `## ${describeResult(data, settings, error)}`
}

function describeResult(
  data: HeadlineData,
  settings: Settings | undefined,
  error: ActionError | undefined,
): string {
  if (error?.code === 'cancelled') return `⏹ Cancelled in ${error.step ?? 'preflight'}`
  if (error?.code === 'drift-found' || error?.code === 'drift-unknown')
    return describeDrift(data, '❌')
  if (error) return describeFailure(data, settings, error)
  // Without an error, the settings were read.
  if (!settings) return '✅ Finished'
  if (settings.mode === 'check') return describeCheck(data)
  if (settings.dryRun) return describeDryRun(data, settings)
  return settings.mode === 'destroy' ? describeRemoval(data) : describeDeployment(data, settings)
}

function describeFailure(
  { changes }: HeadlineData,
  settings: Settings | undefined,
  error: ActionError,
): string {
  const result = `❌ ${nameRun(settings)} failed in ${error.step ?? 'preflight'}: ${error.code}`
  if (settings?.mode !== 'destroy' || settings.dryRun) return result
  return `${result}; ${changes.length === 0 ? 'nothing was removed' : 'the removal is incomplete'}`
}

function nameRun(settings: Settings | undefined): string {
  if (!settings) return 'Run'
  if (settings.dryRun) return 'Dry run'
  const names = { check: 'Check', deploy: 'Deployment', destroy: 'Removal' } as const
  return names[settings.mode]
}

const describeCheck = (data: HeadlineData): string =>
  data.outputs.get('drift') === 'false'
    ? '✅ No drift: the deployment matches the inputs'
    : describeDrift(data, '⚠️')

function describeDrift({ changes, outputs }: HeadlineData, icon: string): string {
  if (outputs.get('drift') === 'true')
    return `${icon} Drift: ${formatDifferences(changes, ' from the inputs')}`
  return `${icon} No drift was found, but not everything could be checked`
}

function describeDryRun({ changes, outputs }: HeadlineData, { mode }: Settings): string {
  const result = changes.length === 0 ? 'no changes needed' : formatObjects(changes, 'to change')
  // A dry run that compared the release has listed its restarts, even if there are none.
  const isReleaseUnknown = mode === 'deploy' && outputs.get('restarts') === ''
  return `📋 Dry run: ${isReleaseUnknown ? `${result}, but the release was not compared` : result}`
}

function describeRemoval({ changes }: HeadlineData): string {
  const deletedObjects = changes
    .filter(({ after }) => after === undefined)
    .map(({ object }) => escapeMarkdown(object.replace(/ arn:\S+$/, '')))
  const result =
    deletedObjects.length === 0
      ? '✅ Nothing was left to remove'
      : `✅ Removed: ${deletedObjects.join(', ')}`
  return changes.some(restoresServiceType) ? `${result}; the Service type was restored` : result
}

/** A removal may also change the status of a release that a killed run left pending. */
const restoresServiceType = ({ step, path }: Change): boolean =>
  step === 'release' && /(^|\.)(service\.type|loadBalancerClass)$/.test(path)

function describeDeployment({ changes, outputs }: HeadlineData, { probe }: Settings): string {
  const changeSummary =
    changes.length === 0 ? 'no changes needed' : formatObjects(changes, 'changed')
  if (!probe.required) return `⚠️ The ALB is active but was not probed; ${changeSummary}`
  const version = outputs.get('milvus-version')
  const milvus = version ? `Milvus ${escapeMarkdown(version)}` : 'Milvus'
  return `✅ ${milvus} answers through the ALB; ${changeSummary}`
}
