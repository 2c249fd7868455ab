/** Runs helm: the one on the PATH, never downloaded. */
import { which } from '@actions/io'
import { ActionError } from '../../failures/action-error.ts'
import { throwIfCancelled } from '../../util/polling.ts'
import { upgradeFailure } from './failures.ts'
import { serviceTypePath } from './milvus-chart.ts'
import { executeHelm, type HelmOptions } from './process.ts'

/** The oldest helm that knows --reset-then-reuse-values. Source: helm, commit a9d59f946. */
const minimumHelmVersion = [3, 14] as const

/**
 * An upgrade that sets the Service's type and what the user asked for, and keeps everything else of
 * the release.
 */
export interface UpgradeOptions {
  readonly release: string
  readonly namespace: string
  /** Path of the chart: what was looked at is what is applied. */
  readonly chart: string
  /** The type that the Service gets; undefined keeps that of the release's values. */
  readonly serviceType: string | undefined
  /**
   * Where the values of Milvus' chart are in those of the release: the names of subcharts, from the
   * outermost. The release's own chart when absent.
   */
  readonly valuesPath?: readonly string[]
  /**
   * JSON (which is YAML) for helm's standard input; undefined when nothing is set. Secret: never in
   * argv or a file.
   */
  readonly values: string | undefined
  /**
   * Whether `values` are all the values of the release. Otherwise they go over those of the
   * deployed revision.
   */
  readonly resetValues?: boolean
  /** Seconds. */
  readonly timeout: number
  /** Undefined leaves it to KUBECONFIG. */
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  /**
   * Of the object in which helm keeps the revision. Source: helm upgrade --labels, since helm 3.13.
   */
  readonly labels?: Readonly<Record<string, string>>
  /**
   * Whether helm waits until every object of the release is ready, also those that it did not
   * change.
   */
  readonly wait: boolean
  /**
   * Takes over fields of the release's objects that others set. Only helm 4 knows the flag, and
   * takes it only for releases that are applied server-side.
   */
  readonly forceConflicts: boolean
  /** Revisions that helm keeps; undefined for helm's own default, or HELM_MAX_HISTORY. */
  readonly historyMax?: number | undefined
}

/** An installation that is only rendered. */
export type InstallOptions = Pick<
  UpgradeOptions,
  'release' | 'namespace' | 'chart' | 'kubeconfig' | 'context'
> & { readonly values: string }

/** What an upgrade would make. */
export interface Preview {
  readonly chart: { readonly version: string; readonly appVersion: string }
  /** YAML of all objects. Secret. */
  readonly manifest: string
}

/** What helm keeps when nobody says. Source: helm, pkg/cli/environment.go, defaultMaxHistory. */
const defaultHistoryMax = 10

/**
 * The limit with which one more revision costs none of the `kept` ones; undefined where helm's
 * default is enough.
 */
export const historyMaxToRetain = (storedRevisions = 0): number | undefined =>
  storedRevisions < defaultHistoryMax ? undefined : storedRevisions + 1

const historyArguments = ({ historyMax }: Pick<UpgradeOptions, 'historyMax'>): string[] =>
  historyMax === undefined ? [] : ['--history-max', String(historyMax)]

/** The arguments of `helm upgrade`. */
export function upgradeArguments(upgrade: UpgradeOptions): string[] {
  const labels = Object.entries(upgrade.labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return [
    ...commonArguments(upgrade),
    ...(labels.length > 0 ? ['--labels', labels.join(',')] : []),
    ...(upgrade.wait ? ['--wait'] : []),
    '--timeout',
    `${upgrade.timeout}s`,
    ...(upgrade.forceConflicts ? ['--force-conflicts'] : []),
    ...historyArguments(upgrade),
  ]
}

/**
 * The arguments of its dry run. That of the client would do without the cluster, and so has no
 * `lookup`, without which charts that keep a generated password fail or make a new one; neither
 * writes anything. Source: helm, pkg/action/upgrade.go.
 */
export function previewArguments(upgrade: UpgradeOptions): string[] {
  return [...commonArguments(upgrade), '--dry-run=server', '--output', 'json']
}

/**
 * The arguments of a dry run of the installation of a release that exists: a dry run does not look
 * whether its name is free. Source: helm, pkg/action/install.go, availableName.
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

const clusterArguments = ({
  kubeconfig,
  context,
}: Pick<UpgradeOptions, 'kubeconfig' | 'context'>): string[] => [
  ...(kubeconfig === undefined ? [] : ['--kubeconfig', kubeconfig]),
  ...(context === undefined ? [] : ['--kube-context', context]),
]

/**
 * A path for --set, which reads a dot as the end of a key. Source: helm, "The Format and
 * Limitations of --set".
 */
const formatSetPath = (path: readonly string[]): string =>
  path.map((key) => key.replaceAll('.', '\\.')).join('.')

function commonArguments(upgrade: UpgradeOptions): string[] {
  return [
    'upgrade',
    upgrade.release,
    upgrade.chart,
    '--namespace',
    upgrade.namespace,
    upgrade.resetValues === true ? '--reset-values' : '--reset-then-reuse-values',
    ...(upgrade.values === undefined ? [] : ['--values', '-']),
    ...(upgrade.serviceType === undefined
      ? []
      : [
          '--set',
          `${formatSetPath(serviceTypePath(upgrade.valuesPath ?? []))}=${upgrade.serviceType}`,
        ]),
    ...clusterArguments(upgrade),
  ]
}

/**
 * @returns helm's version without the v
 * @throws ActionError `helm-not-found`, `helm-too-old`
 */
export async function checkHelmVersion(options: HelmOptions): Promise<string> {
  const remedy = `Put helm ${minimumHelmVersion.join('.')} or newer on the PATH before this step (hosted runners have it; azure/setup-helm installs it).`
  if (!(await which('helm')))
    throw new ActionError({
      code: 'helm-not-found',
      problem: 'There is no helm on the PATH, and the release has to be changed.',
      remedy,
    })
  const { stdout } = await executeHelm(['version', '--template', '{{.Version}}'], options)
  const version = /v?(\d+)\.(\d+)\.[^\s]*/.exec(stdout)
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)]
  if (
    major > minimumHelmVersion[0] ||
    (major === minimumHelmVersion[0] && minor >= minimumHelmVersion[1])
  )
    return (version?.[0] ?? '').replace(/^v/, '')
  throw new ActionError({
    code: 'helm-too-old',
    problem: `The helm on the PATH is ${stdout.trim() || 'of an unknown version'}, which has no --reset-then-reuse-values.`,
    remedy,
  })
}

/** @throws ActionError of failures.ts, `cancelled` */
export async function upgrade(request: UpgradeOptions, options: HelmOptions): Promise<void> {
  const { exitCode, stderr } = await executeHelm(upgradeArguments(request), options, request.values)
  throwIfCancelled(options.signal)
  if (exitCode !== 0) throw upgradeFailure(stderr, exitCode, request)
}

/**
 * Renders an upgrade, and changes nothing. What helm prints is all of the release with its secrets:
 * it goes to nobody else.
 * @throws ActionError of failures.ts, `cancelled`
 */
export function previewUpgrade(request: UpgradeOptions, options: HelmOptions): Promise<Preview> {
  return render(previewArguments(request), request, options)
}

/** As `preview`, of the installation of a release: what its first revision would be. */
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
    { ...options, onLine: () => undefined },
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
    // The parser's error quotes what it stumbles over.
    throw upgradeFailure('Error: its dry run printed no release as JSON', exitCode, request)
  }
}
