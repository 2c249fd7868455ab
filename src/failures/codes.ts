/**
 * The failure codes and the steps that fail. docs/troubleshooting.md has a section for each code, in
 * this order; a test compares them.
 */

/** The steps of a deployment, in the order in which they change things. */
export const stepNames = [
  'preflight',
  'certificate',
  'release',
  'ingress',
  'load-balancer',
  'probe',
] as const
export type StepName = (typeof stepNames)[number]

/**
 * Every code that `failure-code` can have, in the order in which several problems of one run are
 * ranked.
 */
export const failureCodes = [
  // preflight: the inputs
  'input-missing',
  'input-invalid',
  'inputs-conflict',
  // preflight: the certificate that was given
  'certificate-unreadable',
  'private-key-unreadable',
  'private-key-mismatch',
  'certificate-chain-invalid',
  'certificate-key-unsupported',
  'certificate-signature-weak',
  'certificate-expired',
  'certificate-not-yet-valid',
  'certificate-host-mismatch',
  // preflight: who we are, and what we find
  'aws-credentials-missing',
  'aws-credentials-expired',
  'aws-credentials-refused',
  'aws-account-not-allowed',
  'aws-access-denied',
  'aws-request-failed',
  'kubeconfig-invalid',
  'cluster-not-found',
  'cluster-unreachable',
  'cluster-unauthorized',
  'cluster-forbidden',
  'cluster-request-failed',
  'namespace-not-found',
  'locked-by-another-run',
  'ingress-class-not-found',
  'ingress-class-unsupported',
  'ingress-class-params-unsuitable',
  'subnets-unsuitable',
  'ingress-not-ours',
  'ingress-group-conflict',
  'ingress-terminating',
  'load-balancer-protected',
  'release-not-found',
  'release-ambiguous',
  'release-pending',
  'release-unreadable',
  'release-chart-differs',
  'release-chart-unsupported',
  'release-failed',
  'release-managed-elsewhere',
  'service-not-found',
  'service-ambiguous',
  'service-port-not-found',
  'service-unsupported',
  'service-annotations-conflict',
  'service-class-lost',
  'milvus-tls-mismatch',
  'helm-not-found',
  'helm-too-old',
  'chart-not-found',
  'chart-repository-unreachable',
  'release-changes-more',
  'service-type-not-set',
  'release-conflict',
  'release-not-ready',
  // certificate
  'certificate-not-found',
  'certificate-not-ours',
  'certificate-not-issued',
  'certificate-refused',
  'certificate-quota-exceeded',
  'certificate-in-use',
  // release
  'helm-upgrade-failed',
  'helm-hook-failed',
  'helm-upgrade-timeout',
  'service-not-cluster-ip',
  'service-not-restored',
  // ingress
  'ingress-conflict',
  'ingress-refused',
  'controller-webhook-unavailable',
  'ingress-not-deleted',
  // load-balancer
  'controller-refused',
  'load-balancer-failed',
  'load-balancer-timeout',
  // probe
  'probe-dns-failed',
  'probe-unreachable',
  'probe-tls-failed',
  'probe-certificate-untrusted',
  'probe-certificate-host-mismatch',
  'probe-certificate-differs',
  'probe-http2-missing',
  'probe-not-routed',
  'probe-protocol-mismatch',
  'probe-no-targets',
  'probe-target-failed',
  'probe-target-timeout',
  'probe-http-error',
  'probe-grpc-error',
  'milvus-unauthenticated',
  'milvus-authorization-off',
  'milvus-not-found',
  'milvus-not-ready',
  'milvus-unhealthy',
  'probe-host-dns-missing',
  'probe-host-dns-differs',
  // check
  'drift-found',
  'drift-unknown',
  // any step
  'runner-disk-failed',
  'rollback-incomplete',
  'lock-lost',
  'cancelled',
  'internal-error',
] as const
export type FailureCode = (typeof failureCodes)[number]
