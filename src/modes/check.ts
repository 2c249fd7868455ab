/** check: every step's plan and nothing else, then the probe, then whether a deploy would change anything. Writes nothing, and asks for no right to. */
import type { X509Certificate } from 'node:crypto'
import { ActionError, asActionError, combine, type StepName } from '../core/errors.ts'
import type { Change, Context } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'
import * as certificate from '../steps/certificate.ts'
import type { Facts } from '../steps/certificate-choice.ts'
import * as ingress from '../steps/ingress.ts'
import { certificateArns } from '../steps/ingress-object.ts'
import { inspect, inspectState } from '../steps/load-balancer/inspect.ts'
import type { Target } from '../steps/preflight.ts'
import * as release from '../steps/release.ts'
import { remarkRestarts } from '../steps/release-restarts.ts'
import { arnOf, outputAddress, outputCertificate, outputKnown, read, type Reads } from './look.ts'
import { prove } from './prove.ts'
import { createRooms, type Rooms } from './rooms.ts'

/** @throws ActionError of what a deploy could not heal, and `drift-found` or `drift-unknown` unless fail-on-drift is false */
export async function check(outer: Context, settings: Settings, environment: NodeJS.ProcessEnv): Promise<void> {
  const unseen: string[] = []
  const context: Context = { ...outer, unseen: (what) => {
    unseen.push(what)
    outer.unseen(what)
  } }
  context.output('drift', 'unknown')
  const rooms = createRooms(context, settings, environment)
  const failures: ActionError[] = []
  const attempt = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (thrown) {
      const failure = asActionError(thrown)
      if (failure.code === 'cancelled') throw failure
      failures.push(failure)
      return false
    }
  }
  const reads = read(context, settings, rooms)
  await attempt(() => context.step('preflight', async () => {
    await reads.all
    return { verdict: 'all that has to be there is', result: undefined }
  }))
  const comparisons = await compare(context, settings, rooms, reads)
  const found: Change[] = []
  let isWhole = comparisons.length === comparedSteps
  for (const { step, differences, look } of comparisons) {
    const isDone = await attempt(() => context.step(step, async () => {
      differences.forEach((difference) => context.differs(difference))
      found.push(...differences)
      await look?.()
      return { verdict: differences.length === 0 ? 'nothing differs' : counted(differences.length), result: undefined }
    }))
    isWhole &&= isDone
  }
  await attempt(() => probeServed(context, settings, rooms, reads))

  context.output('drift', found.length > 0 ? 'true' : unseen.length > 0 || !isWhole ? 'unknown' : 'false')
  const drift = driftOf(found, unseen)
  if (drift && !settings.failOnDrift) context.log.warn(`${drift.message} ${drift.remedy}`)
  if (drift && settings.failOnDrift) failures.push(drift)
  if (failures.length > 0) throw combine(failures)
}

/** certificate, release, ingress, load-balancer. */
const comparedSteps = 4

/** A step's differences, and what is looked at besides. */
interface Comparison {
  readonly step: StepName
  readonly differences: readonly Change[]
  readonly look?: () => Promise<void>
}

/** The value of a read; undefined when it failed, which `all` says. */
const ifRead = async <T>(reading: Promise<T>): Promise<T | undefined> => reading.catch(() => undefined)

/** What differs of every step whose reads worked. */
async function compare(context: Context, settings: Settings, rooms: Rooms, reads: Reads): Promise<Comparison[]> {
  const [target, facts, seen] = await Promise.all([ifRead(reads.target), ifRead(reads.facts), ifRead(reads.loadBalancer.then((observed) => ({ observed })))])
  if (facts) outputServed(context, facts)
  const ofCertificate: Comparison[] = facts ? [{ step: 'certificate', differences: certificate.plan(facts), look: async () => {
    if ('arn' in facts) await certificate.remarkUse(context, rooms.acm, facts.arn)
    certificate.remarkLeftovers(context, facts)
  } }] : []
  if (!target) return ofCertificate
  outputKnown(context, target)
  const ofRelease = release.plan(target, settings)
  release.remark(context, settings, target, ofRelease)
  remarkRestarts(context, target, ofRelease)
  return [
    ...ofCertificate,
    { step: 'release', differences: ofRelease },
    { step: 'ingress', differences: ingress.plan(target, settings, facts ? arnOf(facts) : wantedArn(settings, target)) },
    ...(seen ? [{ step: 'load-balancer' as const, differences: inspect(context, settings, target, seen.observed), look: () => inspectState(context, settings, rooms.loadBalancers, target, seen.observed) }] : []),
  ]
}

/** When ACM did not say: the ARN that is given, or else whatever the Ingress names. */
const wantedArn = ({ certificate: source }: Settings, { ingress: live }: Target): string =>
  (source.kind === 'arn' ? source.arn : live && certificateArns(live)[0]) ?? '(of the certificate that a deploy is given)'

/** A check says what is there, also of a certificate that a deploy would renew. */
function outputServed(context: Context, facts: Facts): void {
  if (facts.action === 'use') outputCertificate(context, facts)
  if (facts.action === 'reimport') outputCertificate(context, { arn: facts.arn, leaf: facts.before })
}

async function probeServed(context: Context, settings: Settings, rooms: Rooms, reads: Reads): Promise<void> {
  const [cluster, target, facts] = await Promise.all([ifRead(rooms.cluster), ifRead(reads.target), ifRead(reads.facts)])
  const address = target && outputAddress(context, settings, target)
  if (!cluster || !target || address === undefined || !settings.probe.required) return
  await prove(context, settings, { ...rooms, ...cluster }, target, address, facts && servedBy(target, facts))
}

/** The certificate that the Ingress names, as far as it is known: not the one given, which a deploy would still have to put there. */
function servedBy({ ingress }: Target, facts: Facts): X509Certificate | undefined {
  const arn = ingress && certificateArns(ingress)[0]
  if (facts.action === 'use' && facts.arn === arn) return facts.leaf
  return facts.action === 'reimport' && facts.arn === arn ? facts.before : undefined
}

const counted = (count: number): string => `${count} difference${count === 1 ? '' : 's'}`

/** How many differences are named. */
const most = 3

/** What a check has to say; undefined when all was seen and nothing differs. Pure. */
export function driftOf(found: readonly Change[], unseen: readonly string[]): ActionError | undefined {
  const [first] = found
  if (first) {
    const named = found.slice(0, most).map(({ object, path, before, after, why }) => `${object}: ${path} is ${before ?? 'not there'}, and should ${after === undefined ? 'not be there' : `be ${after}`} (${why})`)
    const more = found.length > most ? `; and ${found.length - most} more` : ''
    return new ActionError({
      code: 'drift-found',
      step: first.step,
      problem: `${counted(found.length)} from what the inputs say: ${named.join('; ')}${more}.`,
      remedy: 'Run mode deploy with the same inputs to set it right, or change the inputs when the difference is meant.',
    })
  }
  if (unseen.length === 0) return undefined
  return new ActionError({
    code: 'drift-unknown',
    step: 'preflight',
    problem: `Nothing differs in what could be seen, but this run could not see ${unseen.join('; ')}.`,
    remedy: 'Give the role of the check the permissions that docs/permissions.md lists for a check; when AWS had no answer, run the job again.',
  })
}
