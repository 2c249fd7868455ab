/**
 * What an HTTP answer without a grpc-status means, and what to do about it, as a table. Source:
 * AWS, "Troubleshoot your Application Load Balancers".
 */
import type { FailureCode } from '../../failures/codes.ts'
import type { GrpcResponse } from './grpc-session.ts'
import { ProbeFailure, untilTimeout, propagationWindow } from './failures.ts'

interface HttpStatusMeaning {
  /** `probe-http-error` when absent. */
  readonly code?: FailureCode
  readonly explanation: string
  readonly remedy: string
  readonly retryFor: number
}

const authenticationRule = {
  remedy:
    'Take the annotations alb.ingress.kubernetes.io/auth-* off the Ingress (and the Ingresses of its group) for this host: a gRPC client cannot log in.',
  retryFor: 0,
}
const rewrittenRequest = {
  remedy: 'Check that no proxy between this runner and the ALB rewrites HTTP/2 or its headers.',
  retryFor: 0,
}
const redirectRule = {
  explanation: 'a rule of the listener redirects the call, or asks users to log in',
  remedy:
    'Take annotations that redirect or authenticate off the Ingress (and the Ingresses of its group) for this host.',
  retryFor: 0,
}

const httpStatuses: Readonly<Record<number, HttpStatusMeaning>> = {
  301: redirectRule,
  302: redirectRule,
  400: {
    explanation: 'the ALB found the request malformed, or its headers too long',
    ...rewrittenRequest,
  },
  401: {
    explanation: 'a rule of the listener authenticates users, and denied this call',
    ...authenticationRule,
  },
  403: {
    explanation: 'a web ACL of AWS WAF blocked the call',
    remedy:
      "Let the web ACL pass gRPC calls (POST, application/grpc) of this host from this runner's address.",
    retryFor: 0,
  },
  // A rule takes seconds to reach every node of the ALB; after that a 404 is an answer.
  404: {
    code: 'probe-not-routed',
    explanation: 'no rule of the listener matches this host',
    remedy:
      'Check that the Ingress rule has this host and path / of type Prefix, and that no other Ingress of the group takes it.',
    retryFor: propagationWindow,
  },
  405: {
    explanation:
      'the ALB takes every method but TRACE, and a call of gRPC is a POST: something in between changed it',
    ...rewrittenRequest,
  },
  408: {
    explanation: 'the call did not arrive whole before the idle timeout was over',
    remedy:
      'Check the network between this runner and the ALB, and what a proxy there holds back; input idle-timeout is how long the ALB waits.',
    retryFor: untilTimeout,
  },
  413: {
    explanation: 'the target is a Lambda function, which takes at most 1 MB',
    remedy:
      'Check that the rule of this host leads to the Service of Milvus, and no other Ingress of the group takes it.',
    retryFor: 0,
  },
  414: { explanation: 'the path of the call is too long', ...rewrittenRequest },
  // Nothing of the ALB itself: a web ACL can be made to answer so. Source: AWS WAF, "Customizing
  // web requests and responses".
  429: {
    explanation:
      'too many requests, which an ALB itself does not say: mostly a web ACL of AWS WAF with a rate limit',
    remedy:
      "Let the rate-based rule of the web ACL pass this runner's address, or run the job again later.",
    retryFor: untilTimeout,
  },
  460: {
    explanation: 'the connection was closed while the ALB waited for the target',
    remedy:
      'Check that no proxy between this runner and the ALB gives up early, and that Milvus is not overloaded.',
    retryFor: untilTimeout,
  },
  463: {
    explanation: 'the X-Forwarded-For of the request has more than 30 addresses',
    remedy:
      'Look which proxies between this runner and the ALB add to X-Forwarded-For: this probe sends none.',
    retryFor: 0,
  },
  464: {
    code: 'probe-protocol-mismatch',
    explanation: "the target group's protocol version does not fit gRPC",
    remedy:
      'Take alb.ingress.kubernetes.io annotations off the Service: they override backend-protocol-version GRPC of the Ingress.',
    retryFor: 0,
  },
  500: {
    explanation:
      'a web ACL of AWS WAF failed, or the ALB cannot reach the identity provider of a rule that authenticates users',
    remedy:
      'Look at the web ACL and at annotations alb.ingress.kubernetes.io/auth-*; without either, run the job again.',
    retryFor: untilTimeout,
  },
  501: {
    explanation: 'the Transfer-Encoding of the request is none that the ALB takes',
    ...rewrittenRequest,
  },
  502: {
    code: 'probe-target-failed',
    explanation: 'the target refused the connection or did not answer in gRPC',
    remedy:
      'Check that the Milvus pods run and serve plaintext on the port of the Service; if Milvus serves TLS itself, add "alb.ingress.kubernetes.io/backend-protocol: HTTPS" to input annotations.',
    retryFor: untilTimeout,
  },
  503: {
    code: 'probe-no-targets',
    explanation: 'no target is registered behind the ALB',
    remedy:
      'Check that the Service has ready endpoints ("kubectl get endpointslices -l kubernetes.io/service-name=SERVICE") and look at the events of the TargetGroupBinding.',
    retryFor: untilTimeout,
  },
  504: {
    code: 'probe-target-timeout',
    explanation: 'the target did not answer in time',
    remedy:
      "Let the pods' security group accept the ALB on the port of Milvus, and check that Milvus is not overloaded.",
    retryFor: untilTimeout,
  },
  505: {
    explanation: 'the request came in another HTTP version than the connection is for',
    ...rewrittenRequest,
  },
  561: {
    explanation:
      'a rule of the listener authenticates users, and the identity provider returned an error',
    ...authenticationRule,
  },
}

/**
 * What the controller makes of an Ingress whose Service is not there. Source: AWS Load Balancer
 * Controller, build503ResponseAction.
 */
const missingService: HttpStatusMeaning = {
  code: 'probe-no-targets',
  explanation: 'the Service that the Ingress names does not exist',
  remedy:
    'It was there when this job began: see who deleted it, make it again ("helm upgrade" or "kubectl apply"), and run the job again.',
  retryFor: propagationWindow,
}

const explainUnknownStatus = (status: number): HttpStatusMeaning => ({
  explanation: status >= 500 ? 'it did not pass the call on' : 'an ALB by itself never says that',
  remedy:
    status >= 500
      ? "Look the status up in AWS' guide to troubleshooting Application Load Balancers."
      : 'Look for a custom response of AWS WAF, a fixed response among the rules of the listener, or a proxy in between.',
  retryFor: status >= 500 ? untilTimeout : 0,
})

/** The failure for an HTTP answer without grpc-status. */
export function httpStatusFailure({
  httpStatus: status,
  contentType,
  server,
  text,
}: Pick<GrpcResponse, 'httpStatus' | 'contentType' | 'server' | 'text'>): ProbeFailure {
  const serverSuffix = server ? ` (${server})` : ''
  if (status === 200) {
    return new ProbeFailure({
      code: 'milvus-not-found',
      problem: `The ALB's answer is HTTP 200 of type ${contentType || 'unknown'}${serverSuffix} without a grpc-status: what answers is not a gRPC server.`,
      remedy: "Check that the Ingress' Service and port are those of Milvus' gRPC API (19530).",
      retryFor: 0,
    })
  }
  const isServiceMissing = status === 503 && text.startsWith('Backend service does not exist')
  const {
    code = 'probe-http-error',
    explanation,
    remedy,
    retryFor,
  } = isServiceMissing ? missingService : (httpStatuses[status] ?? explainUnknownStatus(status))
  return new ProbeFailure({
    code,
    problem: `The ALB answered HTTP ${status}${serverSuffix}: ${explanation}.`,
    remedy,
    retryFor,
  })
}
