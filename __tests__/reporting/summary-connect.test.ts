/** How clients connect, in the job summary. */
import { expect, test } from '@jest/globals'
import { renderSummary } from '../../src/reporting/summary.ts'
import { createSettings } from '../steps/fixtures.ts'
import { parseMaterial, validCertificate } from '../x509/issued-certificates.ts'
import { createFailure, createSummaryInput, now } from './summary-fixtures.ts'

test('shows how to connect only after a success', () => {
  expect(renderSummary(createSummaryInput(), createSettings(), undefined, now)).toContain(
    'from pymilvus import connections',
  )
  expect(renderSummary(createSummaryInput(), createSettings(), createFailure(), now)).not.toContain(
    'pymilvus',
  )
})

const pem = '-----BEGIN CERTIFICATE-----'
const clientCertificate = parseMaterial(validCertificate)

test.each([
  { name: 'of a public CA', probe: {}, tlsOptions: [] },
  { name: 'of a private CA', probe: { ca: pem }, tlsOptions: ['server_pem_path="ca.pem"'] },
  {
    name: 'of a private CA that the runner trusts',
    probe: {},
    topology: { hasPrivateCa: true },
    tlsOptions: ['server_pem_path="ca.pem"'],
  },
  {
    name: 'of a public CA and mutual TLS',
    probe: { clientCertificate },
    tlsOptions: [
      'client_pem_path="client.pem"',
      'client_key_path="client-key.pem"',
      'ca_pem_path=certifi.where()',
    ],
  },
  {
    name: 'of a private CA and mutual TLS',
    probe: { clientCertificate, ca: pem },
    tlsOptions: [
      'client_pem_path="client.pem"',
      'client_key_path="client-key.pem"',
      'ca_pem_path="ca.pem"',
    ],
  },
])('shows how clients connect with a certificate $name', ({ probe, topology = {}, tlsOptions }) => {
  const text = renderSummary(
    createSummaryInput({ topology }),
    createSettings({ probe }),
    undefined,
    now,
  )
  expect(text.match(/\w+_path=\S+(?=,\n)/g) ?? []).toEqual([...tlsOptions, ...tlsOptions])
  expect(text.includes('import certifi')).toBe(text.includes('certifi.where()'))
  expect(text).toContain('server_name="milvus.example.com"')
  expect(text).toContain('host="k8s-1.us-east-2.elb.amazonaws.com"')
})
