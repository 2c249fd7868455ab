/** Texts from the cluster, from certificates and from the load balancer that would be commands to the runner, outputs, or Markdown: each is a text in a run of dist/, and nothing else. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { createAuthority } from '../../sandbox/certificates.ts'
import type { ActionRun } from '../../sandbox/runner.ts'
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts'
import { repository } from '../../sandbox/world.ts'
import { figure, whole } from './figures.ts'
import { answer, startLiar, type Liar } from './liar.ts'
import { expectOutcome } from './outcome.ts'

type Inputs = Readonly<Record<string, string>>

/** What each text holds; some places show only the beginning, so that whole runs turn it. */
const pieces = [
  '\n::set-output name=changed::forged', '\n::error::forged', '\n  ::warning title=Milvus ALB::forged', '\n##[error]forged', '\r::stop-commands::forged', '\n::add-mask::forged', '\u2028::notice::forged', '\n\u200B::error::forged', '\n\u001b[2K\u001b[1G::error::forged',
  '\nchanged<<end\nforged\nend', '\nchanged=forged\n', '</details><script>forged</script><img src=http://evil.example/x.png>', '|forged|', '\n\n# forged\n', '\n```\n', '`forged`', '[x](http://evil.example)', '![](http://evil.example/x.png)', '<!--', '\u202Eforged', '%0A::error::forged',
]
const turns = whole ? [0, 10] : [0]
const hostile = (turn: number): string => `hostile ${[...pieces.slice(turn), ...pieces.slice(0, turn)].join(' ')}`
/** As a header may have it. */
const onOneLine = (text: string): string => text.replace(/[^\x20-\x7e]/g, ' ').trim()

let world: Sandbox
let liar: Liar

beforeAll(async () => {
  world = await startSandbox()
  await world.installMilvus()
  const { exitCode, log } = await act(world)
  if (exitCode !== 0) throw new Error(log)
  liar = await startLiar(world.listenPort, world.certificate)
})
afterAll(async () => {
  await liar.close()
  await world.close()
})

interface Put {
  readonly inputs?: Inputs
  readonly away?: () => void | Promise<void>
}

interface Row {
  readonly from: string
  /** A failure code, or success. */
  readonly outcome: string
  /** Puts the text there. @returns the inputs of the run, and what takes it away */
  readonly put: (text: string) => Put | Promise<Put>
}

/** Annotates an object as somebody else does. @returns what takes that back */
function annotate(kind: string, name: string, annotation: string, value: string): () => void {
  const put = (change: (annotations: Record<string, string>) => Record<string, string>): Record<string, string> => {
    const object = world.kubernetes.get(kind, world.namespace, name)
    if (!object) throw new Error(`there is no ${kind} ${name}`)
    const { annotations = {} } = object.metadata
    world.kubernetes.replace({ ...object, metadata: { ...object.metadata, annotations: change(annotations) } }, 'kubectl')
    return annotations
  }
  const before = put((annotations) => ({ ...annotations, [annotation]: value }))
  return () => void put(() => before)
}

/** The controller refuses whatever the action applies next. */
function refuse(text: string): () => void {
  world.controller.options.silent = true
  let seen = false
  const end = world.traffic.observe({ answered: ({ operation, client }) => {
    if (seen || !/^PATCH .*\/ingresses\//.test(operation) || !client.includes('milvus-alb-action')) return
    seen = true
    const { uid = '' } = world.kubernetes.get('Ingress', world.namespace, 'milvus-demo')?.metadata ?? {}
    const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    world.kubernetes.create({
      apiVersion: 'v1', kind: 'Event', metadata: { name: `hostile-${Date.now()}`, namespace: world.namespace }, type: 'Warning', reason: 'FailedDeployModel', message: `Failed deploy model due to ${text}`, firstTimestamp: now, lastTimestamp: now, count: 1,
      involvedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace: world.namespace, name: 'milvus-demo', uid }, source: { component: 'ingress' }, reportingComponent: 'ingress', reportingInstance: '',
    })
  } })
  return () => {
    end()
    world.controller.options.silent = false
  }
}

/** What answers in place of the ALB. */
async function lie(call: NonNullable<Parameters<Liar['tell']>[0]['call']>): Promise<Put> {
  liar.tell({ call })
  await world.setNames({ '*.elb.amazonaws.com': liar.address })
  return { inputs: { 'probe-timeout': '1s' }, away: () => world.setNames({ '*.elb.amazonaws.com': world.albAddress, [world.host]: world.albAddress }) }
}

/** An idle-timeout that was in no run before, so that something is applied. */
let timeout = 600
const upgrade = { values: 'proxy: {replicas: 2}' }
const rows: readonly Row[] = [
  { from: 'an annotation of the Ingress', outcome: 'success', put: (text) => {
    world.controller.options.silent = true
    const takeBack = annotate('Ingress', 'milvus-demo', 'alb.ingress.kubernetes.io/ssl-policy', text)
    return { inputs: { mode: 'check', 'fail-on-drift': 'false' }, away: () => {
      takeBack()
      world.controller.options.silent = false
    } }
  } },
  // What the controller said last stays said: all others do without its word.
  { from: 'an Event of the Ingress', outcome: 'controller-refused', put: (text) => ({ inputs: { 'idle-timeout': `${++timeout}s`, 'load-balancer-timeout': '5s' }, away: refuse(text) }) },
  { from: 'an annotation of the Service', outcome: 'release-managed-elsewhere', put: (text) => {
    return { inputs: upgrade, away: annotate('Service', 'milvus-demo', 'argocd.argoproj.io/tracking-id', `${text}:/Service:milvus/milvus-demo`) }
  } },
  { from: 'the controller of an IngressClass', outcome: 'ingress-class-unsupported', put: (text) => {
    world.kubernetes.create({ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'other' }, spec: { controller: text } })
    return { inputs: { 'ingress-class': 'other' }, away: () => { world.kubernetes.remove('IngressClass', '', 'other') } }
  } },
  { from: 'the API server, in an answer to the action', outcome: 'cluster-forbidden', put: (message) => ({ away: world.traffic.inject({ part: 'kubernetes', operation: /\/services$/, client: /milvus-alb/, error: { status: 403, code: 'Forbidden', message } }) }) },
  { from: 'AWS', outcome: 'aws-request-failed', put: (text) => ({ away: world.traffic.inject({ part: 'acm', operation: 'ListCertificates', error: { status: 400, code: 'ValidationException', message: text } }) }) },
  { from: 'an admission controller, by helm', outcome: 'helm-upgrade-failed', put: (text) => ({ inputs: upgrade, away: world.traffic.inject({ part: 'kubernetes', operation: /^(PATCH|PUT) .*\/deployments\//, client: /^Helm/i, error: { status: 403, code: 'Forbidden', message: `admission webhook "policy.example.com" denied the request: ${text}` } }) }) },
  { from: 'the subject and issuer of a certificate', outcome: 'probe-certificate-untrusted', put: async (text) => {
    const { fullchain, privateKey } = await (await createAuthority({ name: text })).issue({ hosts: [world.host], commonName: text })
    return { inputs: { certificate: fullchain, 'private-key': privateKey, 'probe-timeout': '1s' } }
  } },
  { from: 'the ALB, as grpc-message', outcome: 'probe-grpc-error', put: (text) => lie((stream) => answer(stream, Buffer.alloc(0), { trailers: { 'grpc-status': '13', 'grpc-message': encodeURIComponent(text) } })) },
  { from: 'the ALB, as a page and its headers', outcome: 'milvus-not-found', put: (text) => lie((stream) => {
    stream.respond({ ':status': 200, 'content-type': `text/html; ${onOneLine(text)}`, server: onOneLine(text) })
    stream.end(text)
  }) },
]
const sampled = ['an Event of the Ingress', 'an annotation of the Ingress', 'the subject and issuer of a certificate']

test.each(rows.filter(({ from }) => whole || sampled.includes(from)))('no way in from $from', async ({ from, outcome, put }) => {
  for (const turn of turns) {
    const { inputs = {}, away } = await put(hostile(turn))
    try {
      const run = await act(world, inputs, { environment: { RUNNER_DEBUG: '1' } })
      expectOutcome(run, outcome)
      expect(run.log).toContain('hostile')
      expectOnlyOurCommands(run)
      expectOnlyOurOutputs(run)
      expectOnlyText(run.summary)
    } finally {
      await away?.()
    }
  }
  figure('no-way-in', { 'text from': from, texts: turns.length, outcome, 'commands, outputs and Markdown that came of it': 0 })
})

const steps = '(preflight|certificate|release|ingress|load-balancer|probe|put-back|lock)'
const ours = new RegExp(`^::(group::[✓✗] ${steps}: |endgroup::$|debug::|error title=Milvus ALB%3A [a-z-]+ in ${steps}::|(warning|notice) title=Milvus ALB::)`)

/** Every line that the runner would take for a command is one that the action means. Source: actions/runner, ActionCommand.cs. */
function expectOnlyOurCommands({ log, masks, exitCode }: ActionRun): void {
  const commands = log.split(/\r\n|\r|\n/).filter((line) => /^[^\p{L}\p{N}\p{P}\p{S}]*::/u.test(line) || (line.includes('##[') && !line.startsWith('::')))
  expect(commands.filter((line) => !ours.test(line))).toEqual([])
  expect(commands.filter((line) => line.startsWith('::error'))).toHaveLength(exitCode === 0 ? 0 : 1)
  expect(commands.filter((line) => /^::(warning|notice) [^:]*::forged/.test(line))).toEqual([])
  expect(masks.filter((mask) => mask.includes('forged'))).toEqual([])
}

const documented = Object.keys((load(readFileSync(join(repository, 'action.yml'), 'utf8')) as { outputs: object }).outputs)

function expectOnlyOurOutputs({ outputs, outputText, state }: ActionRun): void {
  expect(Object.keys(outputs).filter((name) => !documented.includes(name))).toEqual([])
  expect(Object.values(outputs).filter((value) => value.trim() === 'forged')).toEqual([])
  expect(outputs['changed']).toMatch(/^(true|false)$/)
  expect(() => JSON.parse(outputs['changes'] ?? '') as unknown).not.toThrow()
  // Every value stands between delimiters that nobody could know, and nothing stands outside of them.
  expect(outputText.replace(/^[a-z-]+<<(ghadelimiter_[0-9a-f-]+)\n[^\n]*\n\1\n/gm, '')).toBe('')
  expect(state).toBe('')
}

/** Outside of its blocks of code, which show what they hold as it is. */
function expectOnlyText(summary: string): void {
  const text = summary.replace(/^```(diff|python|mermaid)\n(.*\n)*?```$/gm, '')
  expect(text.match(/<(?!br>|\/?code>)[a-z/!].{0,20}/gi) ?? []).toEqual([])
  expect(text.match(/(?<!\\)\]\(http:\/\/evil.{0,20}/g) ?? []).toEqual([])
  expect(text.match(/^(#+ forged|```|\|?forged).*$/gm) ?? []).toEqual([])
}
