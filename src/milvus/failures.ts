/** What each way of failing means and what to do about it, as tables. Sources: AWS, "Troubleshoot your Application Load Balancers"; Milvus' proxy. */
import type { FailureCode } from '../core/errors.ts'

/** A probe that failed. */
export class ProbeFailure extends Error {
  override readonly name = 'ProbeFailure'
  readonly code: FailureCode
  readonly remedy: string
  /** How long, in milliseconds, time may still heal this; 0 for never. */
  readonly heals: number

  constructor(failure: { code: FailureCode; problem: string; remedy: string; heals: number; cause?: unknown }) {
    super(failure.problem, { cause: failure.cause })
    this.code = failure.code
    this.remedy = failure.remedy
    this.heals = failure.heals
  }
}

const always = Infinity

interface HttpMeaning {
  readonly code: FailureCode
  readonly means: string
  readonly remedy: string
  readonly heals: number
}

/** HTTP answers that the ALB gives itself, in place of a gRPC one. */
const httpMeanings: Readonly<Record<number, HttpMeaning>> = {
  400: { code: 'probe-http-error', means: 'the ALB found the request malformed', remedy: 'Check that no proxy between this runner and the ALB rewrites HTTP/2.', heals: 0 },
  403: { code: 'probe-http-error', means: 'a web ACL of AWS WAF blocked the call', remedy: "Let the web ACL pass gRPC calls (POST, application/grpc) of this host from this runner's address.", heals: 0 },
  // A rule takes seconds to reach every node of the ALB; after that a 404 is an answer.
  404: { code: 'probe-not-routed', means: 'no rule of the listener matches this host', remedy: 'Check that the Ingress rule has this host and path / of type Prefix, and that no other Ingress of the group takes it.', heals: 20_000 },
  464: { code: 'probe-protocol-mismatch', means: "the target group's protocol version does not fit gRPC", remedy: 'Take alb.ingress.kubernetes.io annotations off the Service: they override backend-protocol-version GRPC of the Ingress.', heals: 0 },
  502: { code: 'probe-target-failed', means: 'the target refused the connection or did not answer in gRPC', remedy: 'Check that the Milvus pods run and listen in plain text on the port of the Service; if Milvus itself uses TLS, set annotation alb.ingress.kubernetes.io/backend-protocol: HTTPS.', heals: always },
  503: { code: 'probe-no-targets', means: 'no target is registered behind the ALB', remedy: 'Check that the Service has ready endpoints ("kubectl get endpointslices -l kubernetes.io/service-name=SERVICE") and look at the events of the TargetGroupBinding.', heals: always },
  504: { code: 'probe-target-timeout', means: 'the target did not answer in time', remedy: "Let the pods' security group accept the ALB on the port of Milvus, and check that Milvus is not overloaded.", heals: always },
}

/** The failure for an HTTP answer without grpc-status. */
export function httpFailure(status: number, contentType: string, server: string): ProbeFailure {
  const by = server ? ` (${server})` : ''
  if (status === 200) {
    return new ProbeFailure({
      code: 'milvus-not-found',
      problem: `The ALB's answer is HTTP 200 of type ${contentType || 'unknown'}${by} without a grpc-status: what answers is not a gRPC server.`,
      remedy: "Check that the Ingress' Service and port are those of Milvus' gRPC API (19530).",
      heals: 0,
    })
  }
  const meaning = httpMeanings[status]
  return new ProbeFailure({
    code: meaning?.code ?? 'probe-http-error',
    problem: `The ALB answered HTTP ${status}${by}: ${meaning?.means ?? 'it did not pass the call on'}.`,
    remedy: meaning?.remedy ?? "Look the status up in AWS' guide to troubleshooting Application Load Balancers.",
    heals: meaning?.heals ?? (status >= 500 ? always : 0),
  })
}

/** Milvus before 2.4 says with status 2, later ones with 16, that credentials are missing or wrong. Source: authentication_interceptor.go */
export const isUnauthenticated = (status: number, message: string): boolean => status === 16 || (status === 2 && /missing authorization|auth check failure/.test(message))

/** gRPC codes that time can heal: 4 deadline exceeded, 8 resource exhausted, 14 unavailable; and Milvus 2.1's unknown (2) while it starts. */
const healingStatus = new Set([4, 8, 14])

/** The failure for a grpc-status that is neither success nor about credentials. */
export function grpcFailure(method: string, status: number, message: string): ProbeFailure {
  const said = `grpc-status ${status}${message ? ` (${message})` : ''} to ${method}`
  if (/not ready|not healthy|isn't healthy/i.test(message)) {
    return new ProbeFailure({ code: 'milvus-not-ready', problem: `Milvus answered ${said}: it is still starting.`, remedy: 'Give probe-timeout more time, or look why its components do not become healthy ("kubectl get pods").', heals: always })
  }
  if (status === 12) {
    return new ProbeFailure({ code: 'milvus-not-found', problem: `The server behind the ALB answered ${said}: it speaks gRPC, but is not Milvus.`, remedy: "Check that the Ingress' Service and port are those of Milvus' gRPC API (19530).", heals: 0 })
  }
  return new ProbeFailure({ code: 'probe-grpc-error', problem: `Milvus answered ${said}.`, remedy: "Look into the log of Milvus' proxy.", heals: healingStatus.has(status) ? always : 0 })
}
