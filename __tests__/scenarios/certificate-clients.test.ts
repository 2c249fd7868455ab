/** The verdict of preflight on a certificate is that of the clients of Milvus, and of the probe. */
import { expect } from '@jest/globals'
import { withServers, type PresentedCertificate } from '../../integration/certificate-clients.ts'
import { callWithAllClients } from '../../integration/grpc-clients.ts'
import { toPem } from '../../src/x509/certificate.ts'
import { host } from '../x509/issued-certificates.ts'
import {
  agreementCases,
  listOurCodes,
  parseBundle,
} from '../x509/openssl-agreement/agreement-cases.ts'
import {
  clientDisagreements,
  type CertificateClient,
} from '../x509/openssl-agreement/client-disagreements.ts'
import { labScenario } from './harness.ts'
import { isUsable } from './probe-verdict.ts'

/** Milliseconds in which the probe connects, beside all other clients. */
const probeTimeout = 60_000

/** A certificate as it would be imported, and whether preflight rejects it. */
async function createPresented(): Promise<(PresentedCertificate & { isRejected: boolean })[]> {
  return Promise.all(
    agreementCases.map(async ({ name, create }) => {
      const bundle = await create()
      const material = parseBundle(bundle)
      return {
        name,
        certificates: toPem([material.leaf, ...material.chain]),
        privateKey: bundle.leaf.privateKey,
        root: bundle.root.pem,
        isRejected: (await listOurCodes(material)).length > 0,
      }
    }),
  )
}

const describeDisagreement = (client: CertificateClient, name: string): string =>
  `${client}: ${name}`

labScenario(
  'grpcio and grpc-js accept what preflight accepts: every other certificate of the table has a reason',
  'the simulator has no Python',
  async ({ environment }) => {
    const presented = await createPresented()
    const clientEnvironment = {
      python: environment.programs.pymilvus,
      directory: environment.directory,
      host,
    }
    const found = await withServers(presented, async (targets) => {
      const rejections = await callWithAllClients(targets, clientEnvironment)
      const disagreements = targets.map(async (target, index) => {
        const { name } = target
        const verdicts = {
          grpcio: rejections.get(name)?.grpcio === undefined,
          'grpc-js': rejections.get(name)?.['grpc-js'] === undefined,
          probe: await isUsable(target, host, probeTimeout),
        }
        return (['grpcio', 'grpc-js', 'probe'] as const)
          .filter((client) => verdicts[client] === presented[index]?.isRejected)
          .map((client) => describeDisagreement(client, name))
      })
      return (await Promise.all(disagreements)).flat()
    })
    const listed = clientDisagreements.flatMap(({ clients, cases }) =>
      clients.flatMap((client) => cases.map((name) => describeDisagreement(client, name))),
    )
    expect(found.sort()).toEqual(listed.sort())
  },
  { start: 'empty' },
)
