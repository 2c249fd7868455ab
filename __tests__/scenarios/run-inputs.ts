/** Inputs that many scenarios pass to a run. */

/** A probe that gives up soon. */
export const shortProbe = { 'probe-timeout': '1s' }

/** Without the values that every run sets by default: Helm runs only for the Service. */
export const serviceOnlyInputs = { values: '' }

/** An upgrade to another version of the chart. */
export const chartUpgradeInputs = { 'chart-version': '5.0.19', 'allow-chart-change': 'true' }

/** Only what a removal needs: no host, no certificate. */
export const destroyInputs = {
  mode: 'destroy',
  host: '',
  certificate: '',
  'private-key': '',
  'certificate-chain': '',
}

/** Everything up to the first write: the chart is downloaded and rendered. */
export const dryRunInputs = { 'dry-run': 'true', values: '' }
