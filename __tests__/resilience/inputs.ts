/** Inputs for property tests, parsed as the action parses them. */
import fc from 'fast-check'
import { combineErrors } from '../../src/failures/action-error.ts'
import { inputNames, inputs as declarations, type InputName } from '../../src/inputs/inputs.ts'
import { parseSettings as parse } from '../../src/inputs/settings.ts'
import type { EndpointSettings, RunSettings } from '../../src/inputs/types.ts'

export type Inputs = Partial<Record<InputName, string>>

export { inputNames }

/** The minimum of valid inputs. */
export const minimalInputs: Inputs = {
  cluster: 'production',
  region: 'us-east-2',
  host: 'milvus.example.com',
  'certificate-arn':
    'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000',
}

/** @throws ActionError that combines all problems of the inputs */
export function parseSettings(inputs: Inputs): RunSettings {
  const result = parse(inputs, {})
  if ('errors' in result) throw combineErrors(result.errors)
  return result.settings
}

/** As parseSettings, for inputs of a deployment or a check. */
export function parseEndpointSettings(inputs: Inputs): EndpointSettings {
  const settings = parseSettings(inputs)
  if (settings.mode === 'destroy') throw new TypeError('these are inputs of a removal')
  return settings
}

/** Every input error names one or more inputs. */
export const inputNamePattern = new RegExp(`Inputs? (?:${inputNames.join('|')})\\b`)

/** Valid texts in forms other than that of the example. */
const validValues: Partial<Record<InputName, readonly string[]>> = {
  mode: ['deploy', 'check', 'destroy'],
  'dry-run': ['true', 'False'],
  'fail-on-drift': ['false'],
  cluster: ['Test_1-a'],
  region: ['us-gov-west-1'],
  'allowed-account-ids': ['111122223333, 0123-4567-8901', '["111122223333"]'],
  context: ['me@production'],
  namespace: ['a-1'],
  host: ['a.b.c.example.co.uk.'],
  'replace-certificate': ['true'],
  'expiry-warning': ['30d'],
  chart: ['oci://registry.example.com/milvus', './chart'],
  'chart-repository': ['https://charts.example.com/a/'],
  'chart-version': ['v1.2.3-rc.1+b'],
  values: ['a: &x {b: 1}\nc: *x', '{"minio": {"enabled": false}}'],
  'secret-values': ['{minio: {secretKey: 12345678}}'],
  'allow-chart-change': ['TRUE'],
  cutover: ['last', 'never'],
  'on-failure': ['rollback'],
  'restore-service-type': ['LoadBalancer', 'NodePort'],
  'restore-load-balancer-class': ['none'],
  'ingress-name': ['front.door'],
  scheme: ['internal'],
  'listen-port': ['8443'],
  'inbound-cidrs': ['10.0.0.0/8, ::/0', '- 10.0.0.0/8'],
  subnets: ['[a, b]'],
  'idle-timeout': ['4000s'],
  'group-name': ['shared.alb'],
  tags: ['team=search,stage=prod', '{"a": "b"}'],
  annotations: [
    'alb.ingress.kubernetes.io/target-group-attributes: stickiness.enabled=true,slow_start.duration_seconds=30',
    'alb.ingress.kubernetes.io/success-codes: 0-99\nown: x',
    'alb.ingress.kubernetes.io/mutual-authentication: \'[{"port": 443, "mode": "verify", "trustStore": "x"}]\'',
  ],
  'force-conflicts': ['true'],
  'release-timeout': ['1h30m'],
  'load-balancer-timeout': ['90s'],
  'probe-timeout': ['1s'],
  probe: ['off'],
  'probe-address': ['[::1]:443'],
  'probe-dns': ['true'],
  'milvus-token': ['root:Milvus'],
  'require-authorization': ['true'],
  summary: ['false'],
}

const somePem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----'

export function anyValidText(name: InputName): fc.Arbitrary<string> {
  const { example, default: defaultText, allowsPem } = declarations[name]
  const texts = [example, defaultText, ...(validValues[name] ?? [])].filter(
    (text) => text !== undefined && !text.startsWith('${{'),
  )
  if (texts.length === 0) texts.push(allowsPem ? somePem : 'password')
  return fc.constantFrom(...texts.filter((text) => text !== undefined))
}
