/** check: every step's plan and nothing else, then the probe, then whether a deploy would change anything. Writes nothing, and asks for no right to. */
import type { X509Certificate } from 'node:crypto'
import { ActionError, asActionError, combine, type StepName } from '../core/errors.ts'
import type { Change, Context } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'
import { remarkUse } from '../steps/certificate.ts'
import type { Facts } from '../steps/certificate-choice.ts'
import { certificateArns } from '../steps/ingress-object.ts'
import { inspect, inspectTargets } from '../steps/load-balancer/inspect.ts'
import type { Target } from '../steps/preflight.ts'
import { look, outputAddress } from './look.ts'
import { prove } from './prove.ts'
import { createRooms } from './rooms.ts'

/** @throws ActionError of what a deploy could not heal, and `drift-found` or `drift-unknown` unless fail-on-drift is false */
export async function check(outer: Context, settings: Settings, environment: NodeJS.ProcessEnv): Promise<void> {
  const unseen: string[] = []
  const context: Context = { ...outer, unseen: (what) => {
    unseen.push(what)
    outer.unseen(what)
  } }
  context.output('drift', 'unknown')
  const rooms = createRooms(context, settings, environment)
  const { target, certificate: { facts }, loadBalancer: observed, changes } = await context.step('preflight', () => look(context, settings, rooms))
  const talking = { ...rooms, ...await rooms.cluster }

  const found: Change[] = []
  const failures: ActionError[] = []
  const attempt = async (work: () => Promise<void>): Promise<void> => work().catch((thrown: unknown) => {
    const failure = asActionError(thrown)
    if (failure.code === 'cancelled') throw failure
    failures.push(failure)
  })
  const compare = (step: StepName, differences: () => readonly Change[], look: () => Promise<void> = () => Promise.resolve()): Promise<void> => attempt(() => context.step(step, async () => {
    const own = differences()
    own.forEach((difference) => context.differs(difference))
    found.push(...own)
    await look()
    return { verdict: own.length === 0 ? 'nothing differs' : counted(own.length), result: undefined }
  }))
  const planned = (step: StepName) => (): Change[] => changes.filter((change) => change.step === step)

  await compare('certificate', planned('certificate'), async () => {
    if ('arn' in facts) await remarkUse(context, rooms.acm, facts.arn)
  })
  await compare('release', planned('release'))
  await compare('ingress', planned('ingress'))
  await compare('load-balancer', () => inspect(context, settings, target, observed), () => inspectTargets(context, settings, talking, observed))
  const address = outputAddress(context, settings, target)
  if (address !== undefined && settings.probe.required) await attempt(() => prove(context, settings, talking, target, address, servedBy(target, facts)))

  context.output('drift', found.length > 0 ? 'true' : unseen.length > 0 ? 'unknown' : 'false')
  const drift = driftOf(found, unseen)
  if (drift && !settings.failOnDrift) context.log.warn(`${drift.message} ${drift.remedy}`)
  if (drift && settings.failOnDrift) failures.push(drift)
  if (failures.length > 0) throw combine(failures)
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
    remedy: 'Give the role of the check the permissions that docs/permissions.md lists for a check.',
  })
}
