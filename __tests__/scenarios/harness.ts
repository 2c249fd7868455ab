/** One scenario: a sandbox of its own, runs of dist/ in it, and what holds for every run whatever happens. */
import { X509Certificate } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { repository, startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/world.ts'
import { runAction, type ActionRun, type RunOptions } from '../../sandbox/runner.ts'

/** What a scenario is handed. */
export interface Scenario {
  readonly world: Sandbox
  /** Runs the action with the world's inputs and these on top, and checks what holds for every run. */
  readonly run: (inputs?: Readonly<Record<string, string>>, options?: Partial<RunOptions>) => Promise<ActionRun>
  /** The writes of the action and of helm since the last run began, in order. */
  readonly writes: () => string[]
}

/** Secrets that ride in every run, in the values of the release and in milvus-token; the private key and the credentials are others. */
export const valuesCanary = 'canary-9f3b1c7e-values'
const tokenCanary = 'canary-4d2a8e60-token'

/** Defines a test with a sandbox that has Milvus installed by helm behind a LoadBalancer Service, as the guide assumes. */
export function scenario(name: string, body: (scenario: Scenario) => Promise<void>, { install = true, ...sandbox }: SandboxOptions & { install?: boolean } = {}): void {
  test(name, async () => {
    const world = await startSandbox(sandbox)
    try {
      if (install) await world.installMilvus({ values: { minio: { bucketName: 'precious', secretKey: valuesCanary } } })
      let since = world.traffic.requests.length
      const writes = () => world.traffic.requests.slice(since).filter(({ mutating, client }) => mutating && /milvus-alb-action|^Helm/i.test(client)).map(({ part, operation }) => `${part} ${operation}`)
      await body({
        world,
        async run(inputs = {}, options = {}) {
          since = world.traffic.requests.length
          const all = { ...world.inputs(), 'milvus-token': `root:${tokenCanary}`, values: `minio: {secretKey: ${valuesCanary}}`, ...inputs }
          const run = await runAction({ action: repository, directory: world.directory, ...options, environment: { ...world.environment(), ...options.environment }, inputs: all })
          await expectNoLeak(world, run, all)
          expectOneAnnotation(run)
          expectNoSilentWrite(run, writes())
          return run
        },
        writes,
      })
    } finally {
      await world.close()
    }
  })
}

/** A run that did all it should. */
export function expectSuccess(run: ActionRun): void {
  expect({ exitCode: run.exitCode, code: run.outputs['failure-code'], log: run.exitCode === 0 ? '' : run.log }).toEqual({ exitCode: 0, code: undefined, log: '' })
}

/** A run that failed in this step for this reason, and said so everywhere. */
export function expectFailure(run: ActionRun, step: string, code: string): void {
  expect({ exitCode: run.exitCode, step: run.outputs['failed-step'], code: run.outputs['failure-code'] }).toEqual({ exitCode: 1, step, code })
  expect(run.log).toContain(`${code} in ${step}`)
  expect(run.log).toContain('What to do: ')
  expect(run.summary).toContain(code)
}

/** The changes of a run as `step path`. */
export function changed(run: ActionRun): string[] {
  return (JSON.parse(run.outputs['changes'] ?? '[]') as { step: string; path: string }[]).map(({ step, path }) => `${step} ${path.replace('metadata.annotations.', '').replace('alb.ingress.kubernetes.io/', '')}`)
}

/** The text of the run's one error annotation. */
export const annotation = (run: ActionRun): string => decodeURIComponent(/^::error [^:]*::(.*)$/m.exec(run.log)?.[1] ?? '')

function expectOneAnnotation(run: ActionRun): void {
  expect(run.log.match(/^::error/gm) ?? []).toHaveLength(run.exitCode === 0 ? 0 : 1)
}

/** Which step's change a write belongs to. */
const stepOfWrite = (write: string): string => (write.startsWith('acm ') ? 'certificate' : write.includes('/ingresses/') ? 'ingress' : 'release')

/** Nothing was changed that `changes` does not list. */
function expectNoSilentWrite(run: ActionRun, writes: readonly string[]): void {
  const listed = new Set(changed(run).map((change) => change.split(' ')[0]?.replace('load-balancer', 'ingress')))
  expect(writes.filter((write) => !listed.has(stepOfWrite(write)))).toEqual([])
}

/** The secrets of a run: the body of the key, the token, what the credentials keep, what the release's values keep. */
function canaries(world: Sandbox, inputs: Readonly<Record<string, string>>): string[] {
  const key = inputs['private-key'] ?? ''
  const lines = (key.includes('-----BEGIN') ? key : Buffer.from(key, 'base64').toString()).split('\n').filter((line) => line.length > 32 && !line.startsWith('-----'))
  const token = inputs['milvus-token']?.replace(/^[^:]*:/, '')
  const credentials = world.aws.credentials.flatMap(({ secretAccessKey, sessionToken }) => [secretAccessKey, sessionToken ?? ''])
  return [...lines, token ?? '', valuesCanary, ...credentials].filter((secret) => secret !== '')
}

const forms = (secret: string): string[] => [secret, Buffer.from(secret).toString('base64').replace(/=+$/, ''), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]

/** No secret in what was printed, set or summarized, in helm's arguments, or in requests to a part that has no business with it; nothing left on disk. */
async function expectNoLeak(world: Sandbox, run: ActionRun, inputs: Readonly<Record<string, string>>): Promise<void> {
  const places: Record<string, string> = { log: run.log, outputs: JSON.stringify(run.outputs), summary: run.summary, arguments: (await world.helmCalls()).join('\n') }
  for (const [place, text] of Object.entries(places)) {
    expect({ place, leaks: canaries(world, inputs).flatMap(forms).filter((form) => text.includes(form)) }).toEqual({ place, leaks: [] })
    expect(text).not.toContain('k8s-aws-v1.')
  }
  const keyLines = canaries(world, { 'private-key': inputs['private-key'] ?? '' }).filter((secret) => secret !== valuesCanary)
  const astray = world.traffic.requests.filter(({ part, body }) => part !== 'acm' && keyLines.some((line) => body.includes(line)))
  expect(astray.map(({ part, operation }) => `${part} ${operation}`)).toEqual([])
  expect(run.leftovers).toEqual([])
}

/** The certificate that ACM holds under an ARN. */
export function inAcm(world: Sandbox, arn: string | undefined): X509Certificate | undefined {
  const certificate = world.state.certificates.get(arn ?? '')
  return certificate && new X509Certificate(certificate.certificate)
}
