/**
 * The outputs of the action, by name, with their descriptions. action.yml, README and the reusable
 * workflows are generated from them (`npm run docs`).
 */
export const outputs = {
  'alb-address':
    'DNS name of the ALB, for example ' +
    '`k8s-milvus-milvusde-2f72215c02-778371620.us-east-2.elb.amazonaws.com`.',
  'nlb-address':
    'DNS name of the Network Load Balancer in front of the ALB, for example ' +
    '`k8s-milvus-milvusde-2f72215c02-nlb-0a1b2c3d4e5f6a7b.elb.us-east-2.amazonaws.com`. Empty ' +
    'without annotation `enable-frontend-nlb`.',
  endpoint:
    'URL that clients connect to once DNS points the host to the ALB, for example ' +
    '`https://milvus.example.com:443`.',
  'rest-endpoint':
    'URL of the RESTful API, for example `https://milvus.example.com:443/v2/vectordb`. Empty ' +
    'without `rest: true`.',
  'certificate-arn': 'ARN of the certificate that the ALB serves.',
  'certificate-expiry':
    'Expiry of that certificate in ISO 8601, for example `2027-02-22T08:00:00.000Z`.',
  'certificate-expires-soon':
    '`true` if that certificate expires within the days that `expiry-warning` sets, otherwise ' +
    '`false`; also `false` while ACM renews the certificate.',
  'release-revision': 'Revision of the Helm release, for example `4`. Empty without a release.',
  'ingress-name': 'Name of the Ingress, for example `milvus-demo`.',
  'milvus-version':
    'Milvus version that the probe read, for example `v2.6.15`. Empty if Milvus asked for ' +
    'credentials and `milvus-token` is empty.',
  probe:
    'What the probe found, as JSON: `addresses` of the ALB (`{working, total}`; null behind a ' +
    'proxy), `targets` (`{healthy, total}` as the health checks of the ALB see them; null if ' +
    'unknown), `calls` (`{answered, total}`), `failures` (how many, by failure code), `p50` and ' +
    '`p95` (milliseconds), `rest` with `rest: true` (`{answers, api, requiresCredentials}`), and ' +
    '`deep` with `probe: deep` (`{vectors, bytes, insert, search}`, the times in milliseconds).',
  changed: '`true` if this run changed anything or started to, otherwise `false`.',
  changes:
    'Changes of this run, or with `mode: check` or `dry-run` the changes that a deploy would ' +
    'make, as JSON: a list of `{step, object, path, before, after, why}`. A change is ' +
    'recorded before it is made, so the last change of a failed step may not have happened.',
  restarts:
    'Workloads whose pods the upgrade of the release restarts, as JSON: a list of `{object, ' +
    'pods, order}`, where `pods` is null if their number is unknown. Empty if the run could not ' +
    'render the upgrade, as with `mode: check`.',
  irreversible:
    'What a rollback cannot restore after this run, as JSON: a list of `{object, why}`. Empty ' +
    'in modes other than `deploy`. Whether the chart of the previous revision is available is ' +
    'known only with `on-failure: rollback`.',
  drift:
    'With `mode: check`: `true` if a deploy with the same inputs would change something, ' +
    '`false` if not. `unknown` if no difference was found but not everything could be read: ' +
    'the notes of the summary list what.',
  'failed-step':
    'The step that failed: `preflight`, `certificate`, `release`, `ingress`, `load-balancer` ' +
    'or `probe`. Empty on success.',
  'failure-code':
    'Why the run failed: a code of docs/troubleshooting.md, for example ' +
    '`private-key-mismatch`. Empty on success.',
  failures:
    'Every problem of a failed run, as JSON: a list of `{step, code, problem, remedy}`. The ' +
    'first one is that of `failure-code`.',
} as const

export type OutputName = keyof typeof outputs
