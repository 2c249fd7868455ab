/**
 * Reads inputs as the action does, for properties: from the environment, which is left as it was.
 */
import fc from 'fast-check'
import { readSettings } from '../../src/inputs/settings.ts'
import { inputDefaults, type InputName } from '../../src/inputs/inputs.ts'
import type { Settings } from '../../src/inputs/types.ts'

export type Inputs = Partial<Record<InputName, string>>

export const inputNames = Object.keys(inputDefaults) as InputName[]

/** The smallest inputs that are taken. */
export const minimalInputs: Inputs = {
  cluster: 'production',
  region: 'us-east-2',
  host: 'milvus.example.com',
  'certificate-arn':
    'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000',
}

const toVariableName = (name: InputName): string => `INPUT_${name.toUpperCase()}`

/** @throws ActionError of what is wrong with them */
export function parseSettings(inputs: Inputs): Settings {
  try {
    for (const [name, value] of Object.entries(inputs))
      process.env[toVariableName(name as InputName)] = value
    return readSettings({})
  } finally {
    for (const name of Object.keys(inputs))
      Reflect.deleteProperty(process.env, toVariableName(name as InputName))
  }
}

/** What a problem with inputs says: which input, or which variable of the environment. */
export const inputNamePattern = new RegExp(`Inputs? (?:${inputNames.join('|')})\\b`)

/** Texts that an input takes. */
const validValues: Partial<Record<InputName, readonly string[]>> = {
  mode: ['deploy', 'check', 'destroy'],
  'dry-run': ['true', 'False'],
  'fail-on-drift': ['false'],
  cluster: ['production', 'Test_1-a'],
  region: ['us-east-2', 'us-gov-west-1'],
  'allowed-account-ids': ['111122223333, 0123-4567-8901', '["111122223333"]'],
  kubeconfig: ['/home/runner/.kube/config'],
  context: ['me@production'],
  namespace: ['milvus', 'a-1'],
  release: ['milvus-demo'],
  service: ['milvus'],
  'service-port': ['19530'],
  host: ['milvus.example.com', 'a.b.c.example.co.uk.'],
  'replace-certificate': ['true'],
  'expiry-warning': ['21', '30d'],
  chart: ['milvus', 'oci://registry.example.com/milvus', './chart'],
  'chart-repository': ['https://charts.example.com/a/'],
  'chart-version': ['5.0.19', 'v1.2.3-rc.1+b'],
  'chart-username': ['AWS'],
  values: ['proxy: {replicas: 2}', 'a: &x {b: 1}\nc: *x', '{"minio": {"enabled": false}}'],
  'allow-chart-change': ['TRUE'],
  cutover: ['first', 'last', 'never'],
  'on-failure': ['keep', 'rollback'],
  'restore-service-type': ['LoadBalancer', 'NodePort'],
  'restore-load-balancer-class': ['service.k8s.aws/nlb', 'none'],
  'ingress-name': ['front.door'],
  'ingress-class': ['alb'],
  scheme: ['internal'],
  'listen-port': ['443', '8443'],
  'inbound-cidrs': ['10.0.0.0/8, ::/0', '- 10.0.0.0/8'],
  subnets: ['subnet-1,subnet-2', '[a, b]'],
  'security-groups': ['sg-1'],
  'ssl-policy': ['ELBSecurityPolicy-TLS13-1-2-2021-06'],
  'idle-timeout': ['10m', '4000s'],
  'load-balancer-name': ['milvus-1'],
  'group-name': ['shared.alb'],
  tags: ['team=search,stage=prod', 'team: search', '{"a": "b"}'],
  annotations: [
    'alb.ingress.kubernetes.io/target-group-attributes: stickiness.enabled=true,slow_start.duration_seconds=30',
    'alb.ingress.kubernetes.io/success-codes: 0-99\nown: x',
    'alb.ingress.kubernetes.io/mutual-authentication: \'[{"port": 443, "mode": "verify", "trustStore": "x"}]\'',
  ],
  'force-conflicts': ['true'],
  'release-timeout': ['1h30m'],
  'load-balancer-timeout': ['90s'],
  'probe-timeout': ['1s'],
  probe: ['required', 'off'],
  'probe-address': ['10.0.3.7:443', '[::1]:443'],
  'probe-dns': ['true'],
  'milvus-token': ['root:Milvus'],
  'require-authorization': ['true'],
  summary: ['false'],
}

export const anyValidText = (name: InputName): fc.Arbitrary<string> =>
  fc.constantFrom(
    ...(validValues[name] ?? ['-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----']),
  )
