/** Annotations that the controller or ELB rejects, by name without prefix. */

/** Each with a part of the problem. */
export const invalidValues: readonly {
  readonly name: string
  readonly value: string
  readonly expected: string
}[] = [
  { name: 'success-codes', value: '200', expected: 'contains 200' },
  { name: 'success-codes', value: '0-200', expected: 'contains 200' },
  { name: 'healthcheck-path', value: `/${'x'.repeat(1024)}`, expected: 'longer than 1024' },
  { name: 'success-codes', value: 'x12', expected: 'is not a list of codes' },
  { name: 'success-codes', value: 'ok', expected: 'is not a list of codes' },
  { name: 'group.order', value: '2000', expected: '-1000 to 1000' },
  { name: 'group.order', value: '1.5', expected: 'is not an integer' },
  { name: 'healthcheck-path', value: 'healthz', expected: 'does not begin with a slash' },
  { name: 'healthcheck-interval-seconds', value: '15s', expected: '5 to 300' },
  { name: 'healthcheck-timeout-seconds', value: '1', expected: '2 to 120' },
  { name: 'healthy-threshold-count', value: '1', expected: '2 to 10' },
  ...['0', '65536', '-1', 'Metrics', 'metrics:9091'].map((value) => ({
    name: 'healthcheck-port',
    value,
    expected: 'is neither traffic-port, nor an integer from 1 to 65535, nor the name of a port',
  })),
  { name: 'healthcheck-protocol', value: 'GRPC', expected: 'HTTP, HTTPS' },
  { name: 'backend-protocol', value: 'GRPC', expected: 'HTTP, HTTPS' },
  { name: 'ip-address-type', value: 'ipv6', expected: 'ipv4, dualstack' },
  { name: 'auth-type', value: 'oidc', expected: 'does not work with gRPC' },
  { name: 'mutual-authentication', value: 'verify', expected: 'is not a JSON list' },
  { name: 'mutual-authentication', value: '{"port":443}', expected: 'is not a JSON list' },
  {
    name: 'mutual-authentication',
    value: '[{"port":443,"mode":"on"}]',
    expected: 'contains mode "on"',
  },
  {
    name: 'mutual-authentication',
    value: '[{"mode":"verify"}]',
    expected: 'without a port, and contains mode verify without a trustStore',
  },
  {
    name: 'target-group-attributes',
    value: 'slow_start.duration_seconds=5',
    expected: 'neither 0 nor an integer from 30 to 900',
  },
  { name: 'target-group-attributes', value: 'stickiness.enabled=yes', expected: 'true, false' },
  {
    name: 'target-group-attributes',
    value: 'deregistration_delay.timeout_seconds',
    expected: 'is not a list of key=value',
  },
  {
    name: 'load-balancer-attributes',
    value: 'idle_timeout',
    expected: 'is not a list of key=value',
  },
  {
    name: 'load-balancer-attributes',
    value: 'client_keep_alive.seconds=5',
    expected: '60 to 604800',
  },
  { name: 'shield-advanced-protection', value: 'yes', expected: 'true, false' },
  { name: 'wafv2-acl-arn', value: 'my-acl', expected: 'nor the ARN' },
  {
    name: 'wafv2-acl-arn',
    value: 'acl arn:aws:wafv2:us-east-1:111122223333:regional/webacl/x/y',
    expected: 'nor the ARN',
  },
  {
    name: 'wafv2-acl-arn',
    value: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/x/y',
    expected: 'regional',
  },
  {
    name: 'load-balancer-attributes',
    value: 'access_logs.s3.enabled=true,access_logs.s3.bucket=logs,',
    expected: 'ends with a comma, which becomes part of the last value',
  },
  {
    name: 'target-node-labels',
    value: 'a=b,,c=d',
    expected: 'contains an empty entry',
  },
  {
    name: 'target-node-labels',
    value: 'a=x\\,,',
    expected: 'ends with a comma, which becomes part of the last value',
  },
  {
    name: 'target-node-labels',
    value: 'a=x\\,, ,b=y',
    expected: 'contains an empty entry',
  },
  { name: 'mutual-authentication', value: '[]', expected: 'is not a JSON list' },
  {
    name: 'mutual-authentication',
    value: '[{"port":"443","mode":"off"}]',
    expected: 'contains an entry without a port',
  },
  ...['0', '1.5', '65536'].map((port) => ({
    name: 'mutual-authentication',
    value: `[{"port":${port},"mode":"off"}]`,
    expected: `contains port ${port}, which is not an integer from 1 to 65535`,
  })),
  {
    name: 'mutual-authentication',
    value: '[{"port":443,"mode":"verify","trustStore":""}]',
    expected: 'contains mode verify without a trustStore',
  },
  {
    name: 'mutual-authentication',
    value: '[{"port":443,"mode":1}]',
    expected: 'contains mode "", which is not off',
  },
  {
    name: 'mutual-authentication',
    value: '[{"port":70000,"mode":"off"}]',
    expected: 'contains port 70000, which is not an integer from 1 to 65535',
  },
  {
    name: 'mutual-authentication',
    value: '[{"port":443,"mode":"off","trustStore":"x"}]',
    expected: 'contains trustStore, which mode off does not support',
  },
  {
    name: 'mutual-authentication',
    value: '[{"port":443,"mode":"passthrough","ignoreClientCertificateExpiry":false}]',
    expected: 'contains ignoreClientCertificateExpiry, which mode passthrough does not support',
  },
  {
    name: 'mutual-authentication',
    value: '[{"port":443,"mode":"off","advertiseTrustStoreCaNames":"on"}]',
    expected: 'contains advertiseTrustStoreCaNames, which mode off does not support',
  },
  {
    name: 'mutual-authentication',
    value: '[{"port":443,"mode":"verify","trustStore":"x","advertiseTrustStoreCaNames":"yes"}]',
    expected: 'advertiseTrustStoreCaNames that is neither on nor off',
  },
  {
    name: 'mutual-authentication',
    value: '[{"port":443,"mode":"verify","trustStore":"x","ignoreClientCertificateExpiry":"on"}]',
    expected: 'ignoreClientCertificateExpiry that is neither true nor false',
  },
  { name: 'jwt-validation', value: '[]', expected: 'is not a JSON object' },
  {
    name: 'jwt-validation',
    value: '{"issuer":"https://x","jwksUri":"https://x/keys"}',
    expected: 'contains no jwksEndpoint',
  },
  {
    name: 'jwt-validation',
    value: '{"issuer":"","jwksEndpoint":"https://x/keys"}',
    expected: 'contains no issuer',
  },
  {
    name: 'jwt-validation',
    value: '{"jwksEndpoint":"https://x/keys"}',
    expected: 'contains no issuer',
  },
  {
    name: 'jwt-validation',
    value: '{"issuer":"https://x","jwksEndpoint":"http://x/keys"}',
    expected: 'jwksEndpoint that does not begin with https://',
  },
  {
    name: 'frontend-nlb-healthcheck-interval-seconds',
    value: '10s',
    expected: '5 to 300',
  },
  {
    name: 'frontend-nlb-healthcheck-healthy-threshold-count',
    value: '1',
    expected: '2 to 10',
  },
  { name: 'frontend-nlb-healthcheck-protocol', value: 'TCP', expected: 'HTTP, HTTPS' },
  {
    name: 'frontend-nlb-healthcheck-port',
    value: 'metrics',
    expected: 'neither traffic-port nor an integer from 1 to 65535',
  },
  {
    name: 'frontend-nlb-listener-port-mapping',
    value: '80=https',
    expected: 'contains 80=https, which is not an integer from 1 to 65535',
  },
  {
    name: 'frontend-nlb-healthcheck-unhealthy-threshold-count',
    value: '11',
    expected: '2 to 10',
  },
  { name: 'frontend-nlb-healthcheck-timeout-seconds', value: '1', expected: '2 to 120' },
  {
    name: 'frontend-nlb-healthcheck-path',
    value: 'healthz',
    expected: 'does not begin with a slash',
  },
  { name: 'frontend-nlb-healthcheck-success-codes', value: '199', expected: 'HTTP codes' },
  { name: 'frontend-nlb-healthcheck-success-codes', value: '600', expected: 'HTTP codes' },
  { name: 'frontend-nlb-scheme', value: 'public', expected: 'internal, internet-facing' },
  ...['eip-allocations', 'security-groups', 'subnets'].map((list) => ({
    name: `frontend-nlb-${list}`,
    value: ' , ',
    expected: 'empty list',
  })),
  {
    name: 'frontend-nlb-subnets',
    value: 'subnet-0a1b2c3d, subnet-public-a',
    expected:
      'contains subnet-public-a, but the controller reads names that begin with subnet- as IDs',
  },
  {
    name: 'frontend-nlb-security-groups',
    value: 'sg-milvus',
    expected: 'contains sg-milvus, but the controller reads names that begin with sg- as IDs',
  },
  ...['frontend-nlb-attributes', 'frontend-nlb-tags', 'listener-attributes.HTTPS-443'].map(
    (name) => ({ name, value: 'key', expected: 'is not a list of key=value' }),
  ),
  ...['tRUE', '11', 'yes, true'].map((value) => ({
    name: 'use-regex-path-match',
    value,
    expected: 'true, false',
  })),
  ...[
    'create-acm-cert',
    'enable-frontend-nlb',
    'manage-backend-security-group-rules',
    'multi-cluster-target-group',
  ].map((name) => ({ name, value: 'yes', expected: 'true, false' })),
  ...['auth-idp-cognito', 'auth-idp-oidc'].map((name) => ({
    name,
    value: '[]',
    expected: 'is not a JSON object',
  })),
  { name: 'auth-on-unauthenticated-request', value: 'redirect', expected: 'allow, deny' },
  { name: 'auth-session-timeout', value: '604801', expected: '1 to 604800' },
  { name: 'unhealthy-threshold-count', value: '1', expected: '2 to 10' },
  { name: 'ssl-redirect', value: 'true', expected: '1 to 65535' },
  ...['100', 'MaxCapacityUnits=100'].map((value) => ({
    name: 'minimum-load-balancer-capacity',
    value,
    expected: 'CapacityUnits',
  })),
  { name: 'security-group-prefix-lists', value: ' , ', expected: 'empty list' },
]

/** Annotations of Service milvus and its port 19530, each with a part of the problem. */
export const invalidValuesOfService: typeof invalidValues = [
  { name: 'conditions.milvus', value: 'source-ip', expected: 'is not a JSON list' },
  { name: 'conditions.milvus', value: '{"field":"path"}', expected: 'is not a JSON list' },
  { name: 'conditions.milvus', value: '["path"]', expected: 'is not a JSON list' },
  { name: 'transforms.milvus', value: '[{', expected: 'is not a JSON list' },
  { name: 'target-control-port.milvus.19530', value: 'api', expected: '1 to 65535' },
]
