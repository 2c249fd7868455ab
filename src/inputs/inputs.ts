/**
 * The inputs of the action by name, with the default that an empty one means. action.yml says the
 * same; a test compares.
 */

/**
 * An empty input means its default, here too: a reusable workflow that passes an empty one
 * suppresses action.yml's.
 */
export const inputDefaults = {
  mode: 'deploy',
  'dry-run': 'false',
  'fail-on-drift': 'true',
  cluster: '',
  region: '',
  'allowed-account-ids': '',
  kubeconfig: '',
  context: '',
  namespace: 'milvus',
  release: '',
  service: '',
  'service-port': '',
  host: '',
  certificate: '',
  'private-key': '',
  'certificate-chain': '',
  'certificate-arn': '',
  'replace-certificate': 'false',
  'expiry-warning': '',
  chart: 'milvus',
  'chart-repository': 'https://zilliztech.github.io/milvus-helm/',
  'chart-version': '',
  'chart-username': '',
  'chart-password': '',
  values: '',
  'allow-chart-change': 'false',
  cutover: 'first',
  'on-failure': 'keep',
  'restore-service-type': '',
  'restore-load-balancer-class': '',
  'ingress-name': '',
  'ingress-class': 'alb',
  scheme: 'internet-facing',
  'listen-port': '443',
  'inbound-cidrs': '',
  subnets: '',
  'security-groups': '',
  'ssl-policy': 'ELBSecurityPolicy-TLS13-1-2-2021-06',
  'idle-timeout': '10m',
  'load-balancer-name': '',
  'group-name': '',
  tags: '',
  annotations: '',
  'force-conflicts': 'false',
  'release-timeout': '10m',
  'load-balancer-timeout': '20m',
  'probe-timeout': '5m',
  'lock-timeout': '',
  probe: 'required',
  'probe-ca': '',
  'probe-address': '',
  'probe-dns': 'false',
  'milvus-token': '',
  'require-authorization': 'false',
  summary: 'true',
} as const satisfies Record<string, string>

export type InputName = keyof typeof inputDefaults

/**
 * Inputs that are secret as a whole, line by line. `values` is secret too, but its lines are common
 * words: of those, main protects what a key calls a password, secret, token or key, and no value of
 * it is ever shown.
 */
export const secretInputs: readonly InputName[] = ['private-key', 'milvus-token', 'chart-password']
