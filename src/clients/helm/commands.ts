/** Runs the commands of Helm. It uses the Helm on the PATH, and never downloads one. */
import { which } from '@actions/io'
import { helmNotFound, helmTooOld } from '../../failures/helm.ts'
import { throwIfCancelled } from '../../util/polling.ts'
import { upgradeFailure } from './failures.ts'
import { serviceTypePath } from './milvus-chart.ts'
import { executeHelm, type HelmOptions } from './process.ts'

/** The first Helm with --reset-then-reuse-values. Source: Helm, commit a9d59f946. */
export const minimumHelmVersion = [3, 14] as const

/**
 * An upgrade that sets the type of the Service and the values of the user, and keeps everything
 * else of the release.
 */
export interface UpgradeOptions {
  readonly release: string
  readonly namespace: string
  /** Path of the chart on this machine. */
  readonly chart: string
  /** The type to set; undefined keeps the one in the values of the release. */
  readonly serviceType: string | undefined
  /**
   * Where the values of Milvus' chart are in those of the release: the names of subcharts, from the
   * outermost. Absent when Milvus' chart is the release's own.
   */
  readonly valuesPath?: readonly string[]
  /**
   * JSON (which is YAML) for Helm's standard input; undefined when nothing is set. Secret: never
   * in argv or a file.
   */
  readonly values: string | undefined
  /**
   * Whether `values` replace the values of the release. Otherwise they are merged over those of
   * the deployed revision.
   */
  readonly resetValues?: boolean
  /** Seconds. */
  readonly timeout: number
  /** A path; undefined uses KUBECONFIG. */
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  /**
   * Labels of the object in which Helm stores the revision. Source: `helm upgrade --labels`, since
   * Helm 3.13.
   */
  readonly labels?: Readonly<Record<string, string>>
  /** Whether Helm waits until all objects of the release are ready, unchanged ones included. */
  readonly wait: boolean
  /**
   * Whether Helm overwrites fields that others set. Only Helm 4 has the flag, and accepts it only
   * for releases that are applied server-side.
   */
  readonly forceConflicts: boolean
  /** How many revisions Helm keeps; undefined for HELM_MAX_HISTORY or Helm's default. */
  readonly historyMax?: number | undefined
}

/** An installation that is only rendered. */
export type InstallOptions = Pick<
  UpgradeOptions,
  'release' | 'namespace' | 'chart' | 'kubeconfig' | 'context'
> & { readonly values: string }

/** What Helm rendered in a dry run. */
export interface Preview {
  readonly chart: { readonly version: string; readonly appVersion: string }
  /** YAML of all objects. Secret. */
  readonly manifest: string
}

/** Revisions. Source: Helm, pkg/cli/environment.go, defaultMaxHistory. */
export const defaultHistoryMax = 10

/**
 * The limit that keeps a history as long as it is: one more revision then deletes at most the
 * oldest, never the deployed one. Undefined when Helm's default does the same.
 */
export const historyMaxToRetain = (storedRevisions = 0): number | undefined =>
  storedRevisions <= defaultHistoryMax ? undefined : storedRevisions

/** The arguments of `helm upgrade`. */
export function upgradeArguments(upgrade: UpgradeOptions): string[] {
  const { wait, timeout, forceConflicts, historyMax } = upgrade
  const labels = Object.entries(upgrade.labels ?? {}).map(([key, value]) => `${key}=${value}`)
  const args = commonArguments(upgrade)
  if (labels.length > 0) args.push('--labels', labels.join(','))
  if (wait) args.push('--wait')
  args.push('--timeout', `${timeout}s`)
  if (forceConflicts) args.push('--force-conflicts')
  if (historyMax !== undefined) args.push('--history-max', String(historyMax))
  return args
}

/**
 * The arguments of its dry run, on the server: a client-side one has no `lookup`, so that charts
 * which keep a generated password fail or render a new one. Neither writes anything. Source: Helm,
 * pkg/action/upgrade.go.
 */
export function previewArguments(upgrade: UpgradeOptions): string[] {
  return [...commonArguments(upgrade), '--dry-run=server', '--output', 'json']
}

/**
 * The arguments of a dry run of an installation. It works for a release that exists, because a dry
 * run does not check the name. Source: Helm, pkg/action/install.go, availableName.
 */
export function installArguments({
  release,
  chart,
  namespace,
  ...access
}: InstallOptions): string[] {
  return [
    'install',
    release,
    chart,
    '--namespace',
    namespace,
    '--values',
    '-',
    ...clusterArguments(access),
    '--dry-run=server',
    '--output',
    'json',
  ]
}

function clusterArguments({
  kubeconfig,
  context,
}: Pick<UpgradeOptions, 'kubeconfig' | 'context'>): string[] {
  const args: string[] = []
  if (kubeconfig !== undefined) args.push('--kubeconfig', kubeconfig)
  if (context !== undefined) args.push('--kube-context', context)
  return args
}

/**
 * A path for --set, where an unescaped dot ends a key. Source: Helm, "The Format and Limitations of
 * --set".
 */
const formatSetPath = (path: readonly string[]): string =>
  path.map((key) => key.replaceAll('.', '\\.')).join('.')

function commonArguments(upgrade: UpgradeOptions): string[] {
  const { release, chart, namespace, resetValues, values, serviceType, valuesPath } = upgrade
  const args = [
    'upgrade',
    release,
    chart,
    '--namespace',
    namespace,
    resetValues === true ? '--reset-values' : '--reset-then-reuse-values',
  ]
  if (values !== undefined) args.push('--values', '-')
  if (serviceType !== undefined)
    args.push('--set', `${formatSetPath(serviceTypePath(valuesPath ?? []))}=${serviceType}`)
  return [...args, ...clusterArguments(upgrade)]
}

/**
 * @returns Helm's version, without a v in front
 * @throws ActionError `helm-not-found`, `helm-too-old`
 */
export async function checkHelmVersion(options: HelmOptions): Promise<string> {
  const [minimumMajor, minimumMinor] = minimumHelmVersion
  const minimumVersion = minimumHelmVersion.join('.')
  if (!(await which('helm'))) throw helmNotFound(minimumVersion)
  const { stdout } = await executeHelm(['version', '--template', '{{.Version}}'], options)
  const [version = '', major, minor] = /v?(\d{1,9})\.(\d{1,9})\.\S*/.exec(stdout) ?? []
  const isSupported =
    Number(major) > minimumMajor ||
    (Number(major) === minimumMajor && Number(minor) >= minimumMinor)
  if (!isSupported) throw helmTooOld(stdout.trim(), minimumVersion)
  return version.replace(/^v/, '')
}

/**
 * Upgrades a release.
 * @throws ActionError of failures.ts, `cancelled`
 */
export async function upgrade(request: UpgradeOptions, options: HelmOptions): Promise<void> {
  const { exitCode, stderr } = await executeHelm(upgradeArguments(request), options, request.values)
  throwIfCancelled(options.signal)
  if (exitCode !== 0) throw upgradeFailure(stderr, exitCode, request)
}

/**
 * Renders an upgrade, and changes nothing. Helm prints the whole release with its secrets, so that
 * its output is not logged.
 * @throws ActionError of failures.ts, `cancelled`
 */
export function previewUpgrade(request: UpgradeOptions, options: HelmOptions): Promise<Preview> {
  return render(previewArguments(request), request, options)
}

/** As previewUpgrade, for an installation: what the first revision of the release would be. */
export function previewInstall(request: InstallOptions, options: HelmOptions): Promise<Preview> {
  return render(installArguments(request), request, options)
}

async function render(
  args: string[],
  request: Pick<UpgradeOptions, 'release' | 'namespace' | 'values'>,
  options: HelmOptions,
): Promise<Preview> {
  const { exitCode, stdout, stderr } = await executeHelm(
    args,
    { ...options, onLine: () => undefined, onOutput: () => undefined },
    request.values,
  )
  throwIfCancelled(options.signal)
  if (exitCode !== 0) throw upgradeFailure(stderr, exitCode, request)
  try {
    const { manifest, chart } = JSON.parse(stdout) as {
      manifest: string
      chart: { metadata: { version: string; appVersion?: string } }
    }
    return {
      manifest,
      chart: { version: chart.metadata.version, appVersion: chart.metadata.appVersion ?? '' },
    }
  } catch {
    // The parser's error is dropped: it quotes the output.
    throw upgradeFailure('Error: its dry run printed no release in JSON', exitCode, request)
  }
}
