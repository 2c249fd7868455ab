/** Errors of the AWS Load Balancer Controller, and what to do about them. */
import { ActionError } from './action-error.ts'

/** What to do about a webhook that the Kubernetes API cannot call. */
export const webhookRemedies = {
  controller:
    'Check that the AWS Load Balancer Controller is running ("kubectl -n kube-system get deployment aws-load-balancer-controller"), then run the job again.',
  other:
    'Check that the server of that webhook is running ("kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations" lists them), then run the job again.',
} as const

/** @param ingress `NAMESPACE/NAME` of another Ingress of the group, which the error is about */
export const groupMemberRemedy = (ingress: string): string =>
  `The error is about Ingress ${ingress} of the same group. Fix that Ingress ("kubectl -n ${ingress.replace('/', ' describe ingress ')}") or remove it from the group, or change group-name.`

/** The API could not call an admission webhook, of the controller or of something else. */
export function webhookUnavailable({
  webhook,
  object,
  message,
  cause,
}: {
  webhook: string
  /** `Ingress milvus-demo` */
  object: string
  message: string
  cause: unknown
}): ActionError {
  return new ActionError({
    code: 'controller-webhook-unavailable',
    problem: `The Kubernetes API could not call webhook ${webhook}, which must admit ${object}: ${message}`,
    remedy: webhook.endsWith('.elbv2.k8s.aws') ? webhookRemedies.controller : webhookRemedies.other,
    cause,
  })
}

/** The controller's version ignores annotations of the Ingress, or fails at them. */
export function controllerTooOld(controller: {
  /** `v2.6.0` */
  readonly version: string
  /** Predicates: `ignores KEY (new in v2.7.0)` */
  readonly effects: readonly string[]
  /** `v2.7.0` */
  readonly requiredVersion: string
  /** Those in input annotations, which can be removed. */
  readonly removableKeys: readonly string[]
}): ActionError {
  const { version, effects, requiredVersion, removableKeys } = controller
  const removal =
    removableKeys.length === 0 ? '' : `, or remove ${removableKeys.join(', ')} from annotations`
  return new ActionError({
    code: 'controller-unsuitable',
    problem: `The AWS Load Balancer Controller is ${version}, which ${effects.join(' and ')}.`,
    remedy: `Update the controller to ${requiredVersion} or later${removal}.`,
  })
}

/** Arguments of the controller make it ignore or reject annotations of the Ingress. */
export function controllerArgumentsUnsuitable(
  /** `Deployment kube-system/aws-load-balancer-controller` */
  controller: string,
  disabled: readonly {
    /** An annotation, or `tag TEAM in KEY`. */
    readonly key: string
    /** `--enable-wafv2=false` */
    readonly argument: string
    readonly effect: 'ignores' | 'rejects'
  }[],
): ActionError {
  const effects = disabled.map(
    ({ key, argument, effect }) => `with ${argument} it ${effect} ${key}`,
  )
  return new ActionError({
    code: 'controller-unsuitable',
    problem: `${controller} has arguments that the inputs contradict: ${effects.join('; ')}.`,
    remedy:
      'Change the arguments where the controller is installed, or the inputs that set these annotations and tags.',
  })
}
