/** The labels that tell which revisions of a release runs of this action created. */
import { leaseName } from './lease.ts'

const holderLabel = `${leaseName}/holder`
const revisionLabel = `${leaseName}/revision`

/** The labels of a revision that a run is about to create. */
export const revisionLabels = (
  holder: string,
  revision: number,
): Readonly<Record<string, string>> => ({
  [holderLabel]: holder,
  [revisionLabel]: String(revision),
})

/**
 * The run of this action that created a revision; undefined when something else did. Helm copies
 * labels to the next revision, whoever creates it, so the number in the label has to match. Source:
 * Helm, pkg/action/upgrade.go, mergeCustomLabels.
 */
export const getRevisionHolder = (
  labels: Readonly<Record<string, string>> | undefined,
  revision: number,
): string | undefined =>
  labels?.[revisionLabel] === String(revision) ? labels[holderLabel] : undefined
