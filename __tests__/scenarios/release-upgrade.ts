/** The upgrade whose interruption and rollback scenarios examine. */
import { denyHelmOnce } from './faults.ts'
import { chartUpgradeInputs } from './run-inputs.ts'

/** An upgrade that adds objects, removes others, and sets a label. */
export const upgradeInputs = {
  ...chartUpgradeInputs,
  values: 'attu: {enabled: true}\nservice: {labels: {team: search}}',
}

/** Denies a write of this upgrade. Helm applies before it deletes. */
export const upgradeFault = denyHelmOnce(/^PATCH .*\/statefulsets\//)
