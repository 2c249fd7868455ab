/**
 * What an HTTP answer without a grpc-status means.
 * Source: AWS, "Troubleshoot your Application Load Balancers".
 */
import type { FailureCode } from './codes.ts'
import { ProbeFailure, never, propagationWindow, untilTimeout } from './probe-failure.ts'

interface StatusMeaning {
  /** `probe-http-error` when absent. */
  readonly code?: FailureCode
  readonly explanation: string
  readonly remedy: string
  readonly retryFor: number
}

const rewritingProxyRemedy =
  'Check that no proxy between this runner and the ALB rewrites HTTP/2 or its headers.'
const authenticationRemedy =
  'Remove the annotations alb.ingress.kubernetes.io/auth-* from the Ingress (and from the other Ingresses of its group) for this host; a gRPC client cannot log in.'

const redirectRule: StatusMeaning = {
  explanation: 'a listener rule redirects the call or requires users to log in',
  remedy:
    'Remove annotations that redirect or authenticate from the Ingress (and from the other Ingresses of its group) for this host.',
  retryFor: never,
}

const statusMeanings: Readonly<Record<number, StatusMeaning>> = {
  301: redirectRule,
  302: redirectRule,
  400: {
    explanation: 'the ALB found the request malformed or its headers too long',
    remedy: rewritingProxyRemedy,
    retryFor: never,
  },
  401: {
    explanation: 'a listener rule authenticates users and denied this call',
    remedy: authenticationRemedy,
    retryFor: never,
  },
  403: {
    explanation: 'an AWS WAF web ACL blocked the call',
    remedy:
      "Allow gRPC calls (POST, application/grpc) to this host from this runner's address in the web ACL.",
    retryFor: never,
  },
  // A rule takes seconds to reach every node of the ALB; after that, a 404 is final.
  404: {
    code: 'probe-not-routed',
    explanation: 'no listener rule matches this host',
    remedy:
      'Check that the Ingress has a rule with this host and path / of type Prefix, and that no other Ingress of the group claims the host.',
    retryFor: propagationWindow,
  },
  405: {
    explanation:
      'something in between changed the method; gRPC uses POST, and the ALB accepts every method except TRACE',
    remedy: rewritingProxyRemedy,
    retryFor: never,
  },
  408: {
    explanation: 'the call did not arrive completely within the idle timeout',
    remedy:
      'Check the network between this runner and the ALB, and whether a proxy there delays requests. Input idle-timeout sets how long the ALB waits.',
    retryFor: untilTimeout,
  },
  413: {
    explanation: 'the target is a Lambda function, which accepts at most 1 MB',
    remedy:
      'Check that the rule for this host points to the Milvus Service, and that no other Ingress of the group claims the host.',
    retryFor: never,
  },
  414: {
    explanation: 'the path of the call is too long',
    remedy: rewritingProxyRemedy,
    retryFor: never,
  },
  // Source: AWS WAF, "Customizing web requests and responses".
  429: {
    explanation:
      'too many requests; an ALB never sends this status itself, but a rate limit of an AWS WAF web ACL can',
    remedy:
      "Exempt this runner's address from the rate-based rule of the web ACL, or run the job again later.",
    retryFor: untilTimeout,
  },
  460: {
    explanation: 'the connection was closed while the ALB waited for the target',
    remedy:
      'Check that no proxy between this runner and the ALB times out early, and that Milvus is not overloaded.',
    retryFor: untilTimeout,
  },
  463: {
    explanation: 'the X-Forwarded-For header of the request has more than 30 addresses',
    remedy:
      'Check which proxies between this runner and the ALB append to X-Forwarded-For; this probe sends none.',
    retryFor: never,
  },
  464: {
    code: 'probe-protocol-mismatch',
    explanation: "the target group's protocol version does not support gRPC",
    remedy:
      'Remove annotation alb.ingress.kubernetes.io/backend-protocol-version from the Service: it overrides GRPC of the Ingress.',
    retryFor: never,
  },
  500: {
    explanation:
      'an AWS WAF web ACL failed, or the ALB cannot reach the identity provider of a rule that authenticates users',
    remedy:
      'Check the web ACL and any alb.ingress.kubernetes.io/auth-* annotations. Without either, run the job again.',
    retryFor: untilTimeout,
  },
  501: {
    explanation: 'the ALB does not support the Transfer-Encoding of the request',
    remedy: rewritingProxyRemedy,
    retryFor: never,
  },
  502: {
    code: 'probe-target-failed',
    explanation: 'the target refused the connection or did not answer with gRPC',
    remedy:
      'Check that the Milvus pods are running and serve plaintext on the port of the Service. If Milvus serves TLS itself, add "alb.ingress.kubernetes.io/backend-protocol: HTTPS" to input annotations.',
    retryFor: untilTimeout,
  },
  503: {
    code: 'probe-no-targets',
    explanation: 'no target is registered with the ALB',
    remedy:
      'Check that the Service has ready endpoints ("kubectl get endpointslices -n NAMESPACE -l kubernetes.io/service-name=SERVICE"), and check the events of the TargetGroupBinding.',
    retryFor: untilTimeout,
  },
  504: {
    code: 'probe-target-timeout',
    explanation: 'the target did not answer in time',
    remedy:
      'Allow the ALB to reach the Milvus port in the security group of the pods, and check that Milvus is not overloaded.',
    retryFor: untilTimeout,
  },
  505: {
    explanation: 'the request has another HTTP version than its connection',
    remedy: rewritingProxyRemedy,
    retryFor: never,
  },
  561: {
    explanation: 'a listener rule authenticates users, and the identity provider returned an error',
    remedy: authenticationRemedy,
    retryFor: never,
  },
}

const otherServerError: StatusMeaning = {
  explanation: 'the ALB did not forward the call',
  remedy: 'Look up the status in the AWS guide to troubleshooting Application Load Balancers.',
  retryFor: untilTimeout,
}

const otherStatus: StatusMeaning = {
  explanation: 'an ALB never sends this status itself',
  remedy:
    'Look for a custom response of AWS WAF, a fixed response in the listener rules, or a proxy in between.',
  retryFor: never,
}

/** Source: AWS Load Balancer Controller, build503ResponseAction. */
const serviceMissing: StatusMeaning = {
  code: 'probe-no-targets',
  explanation: 'the Service that the Ingress names does not exist',
  remedy:
    'It existed when this job started. Find out who deleted it, create it again ("helm upgrade" or "kubectl apply"), and run the job again.',
  retryFor: propagationWindow,
}

/** An HTTP answer. */
export interface HttpAnswer {
  readonly status: number
  /** The `server` header; empty when absent. */
  readonly server: string
}

const formatServer = (server: string): string => (server === '' ? '' : ` (${server})`)

function answeredByAlb({ status, server }: HttpAnswer, meaning: StatusMeaning): ProbeFailure {
  return new ProbeFailure({
    code: meaning.code ?? 'probe-http-error',
    problem: `The ALB answered HTTP ${status}${formatServer(server)}: ${meaning.explanation}.`,
    remedy: meaning.remedy,
    retryFor: meaning.retryFor,
  })
}

/** What any status but 200 means. */
export const describeStatus = (status: number): StatusMeaning =>
  statusMeanings[status] ?? (status >= 500 ? otherServerError : otherStatus)

/** An answer with any status but 200. */
export const httpError = (answer: HttpAnswer): ProbeFailure =>
  answeredByAlb(answer, describeStatus(answer.status))

/** The controller answers for a Service that does not exist. */
export function ingressServiceMissing(answer: HttpAnswer): ProbeFailure {
  return answeredByAlb(answer, serviceMissing)
}

/** An answer with status 200 whose content type is not that of gRPC. */
export function notGrpcServer(contentType: string, server: string): ProbeFailure {
  return new ProbeFailure({
    code: 'milvus-not-found',
    problem: `The server behind the ALB does not speak gRPC: it answered HTTP 200 with content type ${contentType || 'unknown'}${formatServer(server)} instead of application/grpc.`,
    remedy: "Check that the Service and port of the Ingress are those of Milvus' gRPC API (19530).",
    retryFor: never,
  })
}
