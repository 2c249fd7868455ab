/** Failures of the chart: where it is, whether it is the release's, and what it renders. */
import { ActionError } from './action-error.ts'
import type { FailureCode } from './codes.ts'

/**
 * Input chart is a path that does not exist.
 * @param path as the input says
 * @param absolutePath on this runner
 */
export function chartPathNotFound(path: string, absolutePath: string): ActionError {
  return new ActionError({
    code: 'chart-not-found',
    problem: `Input chart is the path ${path}, but ${absolutePath} does not exist on this runner.`,
    remedy:
      'Check out or download the chart before this step. Relative paths start at the working directory of the job.',
  })
}

/** Input chart is a path to something else than a chart. */
export function chartUnreadable(path: string, reason: string): ActionError {
  return new ActionError({
    code: 'chart-not-found',
    problem: `${path} is not a chart that Helm can read: ${reason}`,
    remedy:
      'Set chart to the directory that contains Chart.yaml, or to an archive created by "helm package".',
  })
}

/** Input chart is a path or URL of one version, and another version is requested. */
export function chartVersionDiffers(
  chart: string,
  version: string,
  requestedVersion: string,
): ActionError {
  return new ActionError({
    code: 'chart-not-found',
    problem: `Input chart points to version ${version} of chart ${chart}, but version ${requestedVersion} is requested.`,
    remedy: 'Remove chart-version, or set chart to the location of that version.',
  })
}

/** The chart's templates do not read the value that should set the type of the Service. */
export function serviceTypeNotRendered(options: {
  readonly release: string
  readonly service: string
  /** `service.type`, longer where Milvus is a subchart. */
  readonly typePath: string
  readonly desiredType: string
  /** Undefined when the chart does not render the Service. */
  readonly renderedType: string | undefined
  /** Whether the upgrade would restore the type, for input restore-service-type. */
  readonly isRestoration: boolean
}): ActionError {
  const { release, service, typePath, desiredType, renderedType, isRestoration } = options
  const result =
    renderedType === undefined
      ? `does not render Service ${service}`
      : `still renders Service ${service} with type ${renderedType}`
  const remedy = isRestoration
    ? 'Remove restore-service-type, and set the type where the chart reads it.'
    : `Set the type in values where the chart reads it. Or set service: ${service} instead of release, and set its type to ${desiredType} where it is managed.`
  return new ActionError({
    code: 'service-type-not-set',
    problem: `With ${typePath}: ${desiredType} the chart of release ${release} ${result}.`,
    remedy: `${remedy} "helm show values" lists the values of the chart.`,
  })
}

/** An upgrade that would do more than was requested, and can be allowed. */
const changesMore = (problem: string, remedy: string): ActionError =>
  new ActionError({
    code: 'release-changes-more',
    problem,
    remedy: `${remedy} If all of these changes are intended, set allow-chart-change: true.`,
  })

/** The upgrade would change the version of the chart. */
export function chartVersionWouldChange(options: {
  readonly release: string
  readonly deployedVersion: string
  /** `4.2.30 (Milvus 2.5.4) to 4.2.58 (Milvus 2.5.16)` */
  readonly versionChange: string
  /** `change Deployment milvus-demo-proxy` */
  readonly changes: string
  /** A sentence with a space before it, or nothing. */
  readonly milvusUpgrade: string
  /** Whether input chart-version, or a tag in chart, requests the version. */
  readonly isRequested: boolean
}): ActionError {
  const { release, deployedVersion, versionChange, changes, milvusUpgrade, isRequested } = options
  return changesMore(
    `The upgrade would move release ${release} from chart ${versionChange}: Helm would ${changes}.${milvusUpgrade}`,
    isRequested
      ? `To keep chart ${deployedVersion}, remove chart-version, or the tag in chart.`
      : `To keep chart ${deployedVersion}, set chart to that version.`,
  )
}

/**
 * Mode destroy has a chart of another version, which allow-chart-change does not allow either.
 * @param versionChange `4.2.30 (Milvus 2.5.4) to 4.2.58 (Milvus 2.5.16)`
 */
export const removalChangesChart = (
  release: string,
  deployedVersion: string,
  versionChange: string,
): ActionError =>
  new ActionError({
    code: 'release-changes-more',
    problem: `The restored type of the Service needs an upgrade, which would move release ${release} from chart ${versionChange}.`,
    remedy: `Set chart to version ${deployedVersion}: mode destroy changes only the type of the Service. Or remove restore-service-type.`,
  })

/** A chart under the deployed version is not the deployed chart. */
export function deployedChartDiffers(options: {
  readonly release: string
  /** Name and version. */
  readonly chart: string
  /** `add ConfigMap milvus-demo-extra` */
  readonly changes: string
}): ActionError {
  const { release, chart, changes } = options
  return changesMore(
    `Chart ${chart} is not the one that release ${release} was installed with: any upgrade with it would ${changes}, and an installation with it renders different objects too. It was republished under the same version, comes from another source, or renders differently on this version of Kubernetes.`,
    'Set chart-repository and chart to the original source of the release.',
  )
}

/**
 * Input values would add or remove objects.
 * @param changes `remove Deployment milvus-demo-attu`
 * @param objects those that must not be added or removed
 */
export function valuesChangeObjects(changes: string, objects: string): ActionError {
  return changesMore(
    `With input values Helm would ${changes}. Adding or removing ${objects} is more than setting values.`,
    'Remove what adds or removes these objects from values, or from secret-values.',
  )
}

/** Other objects of the chart depend on the type of the Service. */
export function serviceTypeChangesObjects(options: {
  readonly service: string
  /** Name and version. */
  readonly chart: string
  /** `change Service milvus-demo-attu` */
  readonly changes: string
}): ActionError {
  const { service, chart, changes } = options
  return changesMore(
    `To set the type of Service ${service}, Helm would also ${changes}: the templates of chart ${chart} make these objects depend on service.type.`,
    'Change these objects in a separate upgrade of the release first.',
  )
}

/** A chart that Helm was to fetch, and what it printed when it could not. */
export interface FailedFetch {
  /** How input chart names it: the kinds of clients/helm/chart-reference.ts. */
  readonly kind: 'repository' | 'registry' | 'archive' | 'path' | 'path-or-alias'
  /** As the input names it. */
  readonly name: string
  readonly version: string
  /** The repository or registry. */
  readonly source: string
  readonly hasCredentials: boolean
  /** Whether the job can have the files of its repository. */
  readonly hasCheckout: boolean
  readonly message: string
}

function fetchFailed(
  { kind, name, version, source, message }: FailedFetch,
  { code, remedy }: { readonly code: FailureCode; readonly remedy: string },
): ActionError {
  const chart = kind === 'archive' ? name : `${name} ${version} from ${source}`
  return new ActionError({
    code,
    problem: `Helm could not fetch chart ${chart}: ${message}`,
    remedy,
  })
}

/** The repository or registry requires credentials, or rejects those that it received. */
export function chartCredentialsRejected(fetch: FailedFetch): ActionError {
  return fetchFailed(fetch, {
    code: 'chart-repository-unreachable',
    remedy: credentialsRemedy(fetch),
  })
}

function credentialsRemedy({ kind, source, hasCredentials }: FailedFetch): string {
  if (kind === 'archive')
    return 'Helm sends no credentials to the URL of an archive. Set chart-repository to its repository and chart to the name of the chart, together with chart-username and chart-password.'
  if (kind === 'path-or-alias')
    return `The credentials with which ${source} was added on this runner were rejected. Add it again with valid ones; or set chart-repository to its URL, chart to the name of the chart, and chart-username and chart-password.`
  return hasCredentials
    ? `${source} rejects chart-username and chart-password, or they do not allow reading this chart. Set valid credentials.`
    : `Set chart-username and chart-password: ${source} requires them.`
}

/** Helm does not know a repository of that alias, and no such path exists. */
export function chartAliasUnknown(fetch: FailedFetch): ActionError {
  const { name, hasCheckout } = fetch
  const [alias = '', chart = ''] = name.split('/')
  const setRepository = `Set chart-repository to the URL of the repository and chart to ${chart}`
  return fetchFailed(fetch, {
    code: 'chart-not-found',
    remedy: hasCheckout
      ? `${setRepository}; or add the repository before this step ("helm repo add ${alias} URL"). If chart is a directory, check it out first (relative paths start at the working directory of the job).`
      : `This job does not check out your repository, so ${name} is chart ${chart} of a Helm repository named ${alias}, which this runner does not have. ${setRepository}. For a directory, use the action in a job of your own after actions/checkout.`,
  })
}

/** The URL serves no index.yaml of a chart repository. */
export function chartRepositoryNotFound(fetch: FailedFetch): ActionError {
  return fetchFailed(fetch, {
    code: 'chart-repository-unreachable',
    remedy: `There is no chart repository at ${fetch.source}. Set chart-repository to the URL whose index.yaml lists the chart. For an OCI registry, put the oci:// reference in chart.`,
  })
}

/** The repository or registry does not contain the chart, or not in this version. */
export function chartNotFound(fetch: FailedFetch): ActionError {
  return fetchFailed(fetch, {
    code: 'chart-not-found',
    remedy:
      fetch.kind === 'archive'
        ? 'Correct the URL in chart; or set chart-repository to the URL of the repository and chart to the name of the chart.'
        : `If the chart has moved, set chart-repository and chart to its new location (the path or oci:// reference of a copy works too). Otherwise set chart-version to an available version, with allow-chart-change: true if it is not the deployed one.`,
  })
}

/** The runner does not trust the certificate of the repository or registry. */
export function chartRepositoryUntrusted(fetch: FailedFetch): ActionError {
  return fetchFailed(fetch, {
    code: 'chart-repository-unreachable',
    remedy:
      'Make this runner trust the certificate: set NODE_EXTRA_CA_CERTS to the CA in PEM, on the step or the runner. Then run the job again.',
  })
}

/** The repository or registry does not answer, or answers with an error. */
export function chartRepositoryUnreachable(fetch: FailedFetch): ActionError {
  return fetchFailed(fetch, {
    code: 'chart-repository-unreachable',
    remedy: `Run the job again when ${fetch.source} answers. If it never does, check chart-repository, and HTTPS_PROXY and NO_PROXY of this runner.`,
  })
}
