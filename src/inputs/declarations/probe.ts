/** Inputs that say how the endpoint is probed. */
import { defineInputs, type Mode } from '../declaration.ts'
import { boolean, choice, pem, string } from '../input-types.ts'
import { parseHostPort } from '../parsers.ts'
import { parseCaBundle } from '../pem.ts'

/** A removal does not probe. */
const modes: readonly Mode[] = ['deploy', 'check']

export const probeInputs = defineInputs({
  probe: {
    ...choice('required', 'deep', 'lenient', 'off'),
    description:
      '`required` fails the job unless, within `probe-timeout`, a series of gRPC calls over TLS ' +
      'all reach Milvus through the ALB, at each of its addresses. `deep` also creates a ' +
      'temporary collection, inserts 3 MB, searches and drops it, in `mode: check` too ' +
      '(docs/deep-probe.md). `lenient` only warns if some calls fail. `off` skips the probe, for ' +
      'runners that cannot reach the ALB.',
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
      '`true` fails the job if Milvus answers without credentials, or accepts the default ' +
      'password of `root`, which the probe then tries once. `false` only logs answers without ' +
      'credentials: as a warning if the ALB is open to the internet, as a note otherwise.',
    default: 'false',
  },
  'probe-ca': {
    ...pem(parseCaBundle),
    description:
      'Certificates of private CAs to trust, including their roots, as PEM or base64 of PEM.',
    example: '${{ vars.PRIVATE_CA }}',
    defaultDescription: 'the CAs that Node.js trusts, including `NODE_EXTRA_CA_CERTS`',
  },
  'probe-certificate': {
    ...pem(),
    modes,
    fleet: 'job',
    description:
      'Client certificate of the probe for a listener with mutual TLS (`mutual-authentication` ' +
      'in `annotations`), as PEM or base64 of PEM. Include its intermediate certificates, unless ' +
      'the trust store contains them. Without a probe, it is ignored.',
    example: '${{ secrets.PROBE_CERTIFICATE }}',
    required: 'unless `probe-key` is empty',
  },
  'probe-key': {
    ...pem(),
    modes,
    fleet: 'job',
    secret: true,
    description:
      'Private key of `probe-certificate`, unencrypted, as PEM or base64 of PEM. With ' +
      '`dry-run: true` it is optional.',
    example: '${{ secrets.PROBE_KEY }}',
    required: 'unless `probe-certificate` is empty',
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
