/**
 * Texts from the cluster, from certificates and from the load balancer that would be workflow
 * commands, outputs or Markdown. Each stays plain text in a run of dist/.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { createCertificateAuthority } from '../../testing/certificates.ts'
import { upgradeInputs } from './deployed-simulator.ts'
import { recordResult, isFullRun } from './result-tables.ts'
import { respondToCall } from './hostile-server.ts'
import { expectOutcome } from './outcome.ts'
import {
  simulator,
  type Injection,
  addAnnotation,
  rejectNextApply,
  serveFromAlb,
  startFixture,
  stopFixture,
} from './injection-fixture.ts'
import {
  expectOnlyOwnCommands,
  expectOnlyDocumentedOutputs,
  expectPlainText,
} from './injection-checks.ts'

beforeAll(startFixture)
afterAll(stopFixture)

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

/** An idle-timeout that no earlier run used, so that there is a change to apply. */
let idleTimeout = 600
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
      inputs: { 'idle-timeout': `${++idleTimeout}s`, 'load-balancer-timeout': '30s' },
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
      cleanUp: simulator.faults.inject({
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
      cleanUp: simulator.faults.inject({
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
      cleanUp: simulator.faults.inject({
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
    recordResult('injection', {
      'source of the text': from,
      texts: rotations.length,
      outcome,
      'injected commands, outputs and Markdown': 0,
    })
  },
)
