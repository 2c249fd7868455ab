/**
 * Texts from the cluster, from certificates and from the load balancer that would be workflow
 * commands, outputs or Markdown. Each stays plain text in a run of dist/.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { createCertificateAuthority } from '../../testing/certificates.ts'
import type { RunResult } from '../../testing/runner.ts'
import { startSimulator, type Simulator } from '../../simulator/simulator.ts'
import { repositoryRoot } from '../../testing/environment.ts'
import { recordResult, isFullRun } from './result-tables.ts'
import { respondToCall, startHostileServer, type HostileServer } from './hostile-server.ts'
import { expectOutcome } from './outcome.ts'

type Inputs = Readonly<Record<string, string>>

/** The parts of each text. Some places show only the beginning, so full runs rotate them. */
const payloads = [
  '\n::set-output name=changed::forged',
  '\n::error::forged',
  '\n  ::warning title=Milvus ALB::forged',
  '\n##[error]forged',
  '\r::stop-commands::forged',
  '\n::add-mask::forged',
  '\u2028::notice::forged',
  '\n\u200B::error::forged',
  '\n\u001b[2K\u001b[1G::error::forged',
  '\nchanged<<end\nforged\nend',
  '\nchanged=forged\n',
  '</details><script>forged</script><img src=http://evil.example/x.png>',
  '|forged|',
  '\n\n# forged\n',
  '\n```\n',
  '`forged`',
  '[x](http://evil.example)',
  '![](http://evil.example/x.png)',
  '<!--',
  '\u202Eforged',
  '%0A::error::forged',
]
const rotations = isFullRun ? [0, 10] : [0]
const createHostileText = (rotation: number): string =>
  `hostile ${[...payloads.slice(rotation), ...payloads.slice(0, rotation)].join(' ')}`
/** The text as an HTTP header may contain it. */
const toHeaderValue = (text: string): string => text.replace(/[^\x20-\x7e]/g, ' ').trim()

let simulator: Simulator
let hostileServer: HostileServer

beforeAll(async () => {
  simulator = await startSimulator()
  await simulator.installMilvus()
  const { exitCode, log } = await runAction(simulator)
  if (exitCode !== 0) throw new Error(log)
  hostileServer = await startHostileServer(simulator.listenPort, simulator.certificate)
})
afterAll(async () => {
  await hostileServer.close()
  await simulator.close()
})

interface Injection {
  readonly inputs?: Inputs
  readonly cleanUp?: () => void | Promise<void>
}

interface InjectionCase {
  readonly from: string
  /** A failure code, or success. */
  readonly outcome: string
  /**
   * Plants the text.
   * @returns the inputs of the run, and a function that removes the text
   */
  readonly inject: (text: string) => Injection | Promise<Injection>
}

/**
 * Annotates an object as another user.
 * @returns a function that reverts it
 */
function addAnnotation(kind: string, name: string, annotation: string, value: string): () => void {
  const setAnnotations = (
    change: (annotations: Record<string, string>) => Record<string, string>,
  ): Record<string, string> => {
    const object = simulator.kubernetes.get(kind, simulator.namespace, name)
    if (!object) throw new Error(`there is no ${kind} ${name}`)
    const { annotations = {} } = object.metadata
    simulator.kubernetes.replace(
      { ...object, metadata: { ...object.metadata, annotations: change(annotations) } },
      'kubectl',
    )
    return annotations
  }
  const before = setAnnotations((annotations) => ({ ...annotations, [annotation]: value }))
  return () => void setAnnotations(() => before)
}

/** The controller rejects whatever the action applies next. */
function rejectNextApply(text: string): () => void {
  simulator.controller.options.isPaused = true
  let isRejected = false
  const stopObserving = simulator.requestLog.observe({
    answered: ({ operation, userAgent: client }) => {
      if (
        isRejected ||
        !/^PATCH .*\/ingresses\//.test(operation) ||
        !client.includes('milvus-alb-action')
      )
        return
      isRejected = true
      const { uid = '' } =
        simulator.kubernetes.get('Ingress', simulator.namespace, 'milvus-demo')?.metadata ?? {}
      const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
      simulator.kubernetes.create({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `hostile-${Date.now()}`, namespace: simulator.namespace },
        type: 'Warning',
        reason: 'FailedDeployModel',
        message: `Failed deploy model due to ${text}`,
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
        involvedObject: {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'Ingress',
          namespace: simulator.namespace,
          name: 'milvus-demo',
          uid,
        },
        source: { component: 'ingress' },
        reportingComponent: 'ingress',
        reportingInstance: '',
      })
    },
  })
  return () => {
    stopObserving()
    simulator.controller.options.isPaused = false
  }
}

/** Responds in place of the ALB. */
async function serveFromAlb(
  onCall: NonNullable<Parameters<HostileServer['setBehavior']>[0]['onCall']>,
): Promise<Injection> {
  hostileServer.setBehavior({ onCall })
  await simulator.setDnsRecords({ '*.elb.amazonaws.com': hostileServer.address })
  return {
    inputs: { 'probe-timeout': '1s' },
    cleanUp: () =>
      simulator.setDnsRecords({
        '*.elb.amazonaws.com': simulator.albAddress,
        [simulator.host]: simulator.albAddress,
      }),
  }
}

/** An idle-timeout that no earlier run used, so that there is a change to apply. */
let idleTimeout = 600
const upgradeInputs = { values: 'proxy: {replicas: 2}' }
const injectionCases: readonly InjectionCase[] = [
  {
    from: 'an annotation of the Ingress',
    outcome: 'success',
    inject: (text) => {
      simulator.controller.options.isPaused = true
      const restoreAnnotation = addAnnotation(
        'Ingress',
        'milvus-demo',
        'alb.ingress.kubernetes.io/ssl-policy',
        text,
      )
      return {
        inputs: { mode: 'check', 'fail-on-drift': 'false' },
        cleanUp: () => {
          restoreAnnotation()
          simulator.controller.options.isPaused = false
        },
      }
    },
  },
  // The controller's last event stays in the cluster, so the other cases do without events.
  {
    from: 'an Event of the Ingress',
    outcome: 'controller-refused',
    inject: (text) => ({
      inputs: { 'idle-timeout': `${++idleTimeout}s`, 'load-balancer-timeout': '5s' },
      cleanUp: rejectNextApply(text),
    }),
  },
  {
    from: 'an annotation of the Service',
    outcome: 'release-managed-elsewhere',
    inject: (text) => {
      return {
        inputs: upgradeInputs,
        cleanUp: addAnnotation(
          'Service',
          'milvus-demo',
          'argocd.argoproj.io/tracking-id',
          `${text}:/Service:milvus/milvus-demo`,
        ),
      }
    },
  },
  {
    from: 'the controller of an IngressClass',
    outcome: 'ingress-class-unsupported',
    inject: (text) => {
      simulator.kubernetes.create({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IngressClass',
        metadata: { name: 'other' },
        spec: { controller: text },
      })
      return {
        inputs: { 'ingress-class': 'other' },
        cleanUp: () => {
          simulator.kubernetes.remove('IngressClass', '', 'other')
        },
      }
    },
  },
  {
    from: 'the API server, in a response to the action',
    outcome: 'cluster-forbidden',
    inject: (message) => ({
      cleanUp: simulator.requestLog.injectFault({
        service: 'kubernetes',
        operation: /\/services$/,
        userAgent: /milvus-alb/,
        error: { status: 403, code: 'Forbidden', message },
      }),
    }),
  },
  {
    from: 'an AWS error',
    outcome: 'aws-request-failed',
    inject: (text) => ({
      cleanUp: simulator.requestLog.injectFault({
        service: 'acm',
        operation: 'ListCertificates',
        error: { status: 400, code: 'ValidationException', message: text },
      }),
    }),
  },
  {
    from: 'an admission controller, through Helm',
    outcome: 'helm-upgrade-failed',
    inject: (text) => ({
      inputs: upgradeInputs,
      cleanUp: simulator.requestLog.injectFault({
        service: 'kubernetes',
        operation: /^(PATCH|PUT) .*\/deployments\//,
        userAgent: /^Helm/i,
        error: {
          status: 403,
          code: 'Forbidden',
          message: `admission webhook "policy.example.com" denied the request: ${text}`,
        },
      }),
    }),
  },
  {
    from: 'the subject and issuer of a certificate',
    outcome: 'probe-certificate-untrusted',
    inject: async (text) => {
      const { fullchain, privateKey } = await (
        await createCertificateAuthority({ name: text })
      ).issue({ hosts: [simulator.host], commonName: text })
      return {
        inputs: { certificate: fullchain, 'private-key': privateKey, 'probe-timeout': '1s' },
      }
    },
  },
  {
    from: 'the grpc-message of the ALB',
    outcome: 'probe-grpc-error',
    inject: (text) =>
      serveFromAlb((stream) =>
        respondToCall(stream, Buffer.alloc(0), {
          trailers: { 'grpc-status': '13', 'grpc-message': encodeURIComponent(text) },
        }),
      ),
  },
  {
    from: 'an HTML page of the ALB and its headers',
    outcome: 'milvus-not-found',
    inject: (text) =>
      serveFromAlb((stream) => {
        stream.respond({
          ':status': 200,
          'content-type': `text/html; ${toHeaderValue(text)}`,
          server: toHeaderValue(text),
        })
        stream.end(text)
      }),
  },
]
const sampledCases = [
  'an Event of the Ingress',
  'an annotation of the Ingress',
  'the subject and issuer of a certificate',
]

test.each(injectionCases.filter(({ from }) => isFullRun || sampledCases.includes(from)))(
  'text from $from injects no commands, outputs or Markdown',
  async ({ from, outcome, inject }) => {
    for (const rotation of rotations) {
      const { inputs = {}, cleanUp } = await inject(createHostileText(rotation))
      try {
        const run = await runAction(simulator, inputs, { env: { RUNNER_DEBUG: '1' } })
        expectOutcome(run, outcome)
        expect(run.log).toContain('hostile')
        expectOnlyOwnCommands(run)
        expectOnlyDocumentedOutputs(run)
        expectPlainText(run.summary)
      } finally {
        await cleanUp?.()
      }
    }
    recordResult('no-way-in', {
      'source of the text': from,
      texts: rotations.length,
      outcome,
      'injected commands, outputs and Markdown': 0,
    })
  },
)

const stepPattern = '(preflight|certificate|release|ingress|load-balancer|probe|put-back|lock)'
const ownCommandPattern = new RegExp(
  `^::(group::[✓✗] ${stepPattern}: |endgroup::$|debug::|error title=Milvus ALB%3A [a-z-]+ in ${stepPattern}::|(warning|notice) title=Milvus ALB::)`,
)

/**
 * Every line that the runner would read as a command is one that the action intended. Source:
 * actions/runner, ActionCommand.cs.
 */
function expectOnlyOwnCommands({ log, maskCommands: masks, exitCode }: RunResult): void {
  const commands = log
    .split(/\r\n|\r|\n/)
    .filter(
      (line) =>
        /^[^\p{L}\p{N}\p{P}\p{S}]*::/u.test(line) ||
        (line.includes('##[') && !line.startsWith('::')),
    )
  expect(commands.filter((line) => !ownCommandPattern.test(line))).toEqual([])
  expect(commands.filter((line) => line.startsWith('::error'))).toHaveLength(exitCode === 0 ? 0 : 1)
  expect(commands.filter((line) => /^::(warning|notice) [^:]*::forged/.test(line))).toEqual([])
  expect(masks.filter((mask) => mask.includes('forged'))).toEqual([])
}

const documentedOutputs = Object.keys(
  (load(readFileSync(join(repositoryRoot, 'action.yml'), 'utf8')) as { outputs: object }).outputs,
)

function expectOnlyDocumentedOutputs({ outputs, outputText, state }: RunResult): void {
  expect(Object.keys(outputs).filter((name) => !documentedOutputs.includes(name))).toEqual([])
  expect(Object.values(outputs).filter((value) => value.trim() === 'forged')).toEqual([])
  expect(outputs['changed']).toMatch(/^(true|false)$/)
  expect(() => JSON.parse(outputs['changes'] ?? '') as unknown).not.toThrow()
  // Every value is between unpredictable delimiters, and nothing is outside of them.
  expect(outputText.replace(/^[a-z-]+<<(ghadelimiter_[0-9a-f-]+)\n[^\n]*\n\1\n/gm, '')).toBe('')
  expect(state).toBe('')
}

/** Outside of code blocks, which show their content verbatim. */
function expectPlainText(summary: string): void {
  const text = summary.replace(/^```(diff|python|mermaid)\n(.*\n)*?```$/gm, '')
  expect(text.match(/<(?!br>|\/?code>)[a-z/!].{0,20}/gi) ?? []).toEqual([])
  expect(text.match(/(?<!\\)\]\(http:\/\/evil.{0,20}/g) ?? []).toEqual([])
  expect(text.match(/^(#+ forged|```|\|?forged).*$/gm) ?? []).toEqual([])
}
