/** Manual operations with Helm, as the administrator of the cluster. */
import type { TestEnvironment } from '../../testing/environment.ts'

/** Options of `helm upgrade`. */
interface Upgrade {
  /** 4.2.58 when absent: the version that is installed. */
  readonly chartVersion?: string
  readonly flags?: readonly string[]
}

/** Creates another revision of release milvus-demo, with its values and what the flags change. */
export const upgradeRelease = (
  environment: TestEnvironment,
  { chartVersion = '4.2.58', flags = [] }: Upgrade = {},
): Promise<string> =>
  environment.helm(
    'upgrade',
    'milvus-demo',
    'milvus',
    '--repo',
    environment.chartRepository.url,
    '--version',
    chartVersion,
    '--reuse-values',
    ...flags,
  )

/** A revision in the history of a release. */
export interface Revision {
  readonly revision: number
  readonly status: string
  readonly chart: string
}

/** The revisions of release milvus-demo, the oldest first. */
export const listRevisions = async (environment: TestEnvironment): Promise<Revision[]> =>
  JSON.parse(await environment.helm('history', 'milvus-demo', '-o', 'json')) as Revision[]

/** The same as `NUMBER STATUS CHART`. */
export const listHistory = async (environment: TestEnvironment): Promise<string[]> =>
  (await listRevisions(environment)).map(
    ({ revision, status, chart }) => `${revision} ${status} ${chart}`,
  )

/** The latest revision of release milvus-demo. */
export async function getLatestRevision(environment: TestEnvironment): Promise<Revision> {
  const latest = (await listRevisions(environment)).at(-1)
  if (!latest) throw new Error('release milvus-demo does not exist')
  return latest
}
