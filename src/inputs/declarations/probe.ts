/** Inputs that say how the endpoint is probed. */
import { defineInputs } from '../declaration.ts'
import { boolean, choice, pem, string } from '../input-types.ts'
import { parseHostPort } from '../parsers.ts'
import { parseCaBundle } from '../pem.ts'

export const probeInputs = defineInputs({
  probe: {
    ...choice('required', 'deep', 'lenient', 'off'),
    description:
      '`required` fails the job unless gRPC calls over TLS reach Milvus through the ALB, at each ' +
      'of its addresses and every time. `deep` also creates a temporary collection, inserts 3 ' +
      'MB, searches and drops it, in `mode: check` too (docs/deep-probe.md). `lenient` only ' +
      'warns if some calls fail. `off` skips the probe, for runners that cannot reach the ALB.',
    default: 'required',
  },
  'milvus-token': {
    ...string(),
    fleet: 'job',
    secret: true,
    description:
      '`user:password` of a Milvus user, or an API key. Without it, the probe succeeds if ' +
      'Milvus asks for credentials.',
    example: '${{ secrets.MILVUS_TOKEN }}',
  },
  'require-authorization': {
    ...boolean,
    description:
      '`true` fails the job if Milvus answers without credentials. `false` logs a warning if the ' +
      'ALB is open to the internet, and a note otherwise.',
    default: 'false',
  },
  'probe-ca': {
    ...pem(parseCaBundle),
    description: 'Certificates of private CAs to trust, as PEM or base64 of PEM.',
    example: '${{ vars.PRIVATE_CA }}',
    defaultDescription: 'the CAs that Node.js trusts, including `NODE_EXTRA_CA_CERTS`',
  },
  'probe-address': {
    type: '`host:port`',
    schemaType: 'scalar',
    parse: parseHostPort,
    description:
      'Where the probe connects, instead of the address and port of the ALB. TLS and routing ' +
      'still use `host`.',
    example: '10.0.3.7:443',
  },
  'probe-dns': {
    ...boolean,
    description:
      '`true` also probes by the name `host`, once the DNS of the runner points it to the ALB: ' +
      'by a record created by hand, or by ExternalDNS from the Ingress (docs/dns.md). `false` ' +
      'leaves DNS to you.',
    default: 'false',
  },
})
