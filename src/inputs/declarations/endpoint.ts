/** Inputs that say what the endpoint is called, and which certificate it serves. */
import { parseCertificateSecret } from '../certificate-secret.ts'
import { defineInputs, type Mode } from '../declaration.ts'
import { boolean, days, pem, string } from '../input-types.ts'
import { parseCertificateArn, parseHost } from '../names.ts'

/** A removal needs neither host nor certificate. */
const modes: readonly Mode[] = ['deploy', 'check']

export const endpointInputs = defineInputs({
  host: {
    ...string(parseHost),
    modes,
    description: 'DNS name that clients connect to. The certificate must cover it.',
    example: 'milvus.example.com',
    required: true,
  },
  certificate: {
    ...pem(),
    modes,
    fleet: 'job',
    description:
      'TLS certificate as PEM or base64 of PEM. A full chain is fine. With `mode: check` it is ' +
      'optional: the run then checks the certificate that the Ingress names.',
    example: '${{ secrets.TLS_CERTIFICATE }}',
    required: 'unless `certificate-secret` or `certificate-arn` is set',
  },
  'private-key': {
    ...pem(),
    modes,
    fleet: 'job',
    secret: true,
    description:
      'Private key of `certificate`, unencrypted, as PEM or base64 of PEM. With `mode: check` ' +
      'or `dry-run: true` it is optional.',
    example: '${{ secrets.TLS_PRIVATE_KEY }}',
    required: 'unless `certificate` is empty',
  },
  'certificate-chain': {
    ...pem(),
    modes,
    fleet: 'job',
    description:
      'Intermediate certificates as PEM or base64 of PEM, in any order, unless `certificate` ' +
      'contains them.',
    example: '${{ secrets.TLS_CHAIN }}',
    defaultDescription: 'the certificates of `probe-ca` that issued `certificate`',
  },
  'certificate-secret': {
    type: 'string',
    schemaType: 'scalar',
    parse: parseCertificateSecret,
    modes,
    description:
      'Secret that contains certificate, key and chain, as an alternative to the inputs for ' +
      'them: `name` or `namespace/name` of a Secret of type `kubernetes.io/tls` in the cluster, ' +
      'such as one of cert-manager, or the ARN of a secret in AWS Secrets Manager. Each run ' +
      'reads it, so a scheduled deploy renews the certificate.',
    example: 'milvus-tls',
  },
  'certificate-arn': {
    ...string(parseCertificateArn),
    modes,
    description:
      'ARN of an ACM certificate, as an alternative to `certificate`, `private-key` and ' +
      '`certificate-chain`. If those are set too, they are imported under this ARN.',
    example: 'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000',
  },
  'replace-certificate': {
    ...boolean,
    description:
      '`true` allows `certificate` to replace the one under `certificate-arn` even if this ' +
      'action did not import that one, or if that one covers a name that `certificate` does not. ' +
      'Everything that uses the ARN then serves the new certificate.',
    default: 'false',
  },
  'expiry-warning': {
    ...days,
    description:
      'Runs log a warning if the certificate expires within this number of days. `0` disables ' +
      'the warning.',
    example: '21',
    defaultDescription: "30, or a third of the certificate's lifetime if that is less",
  },
})
