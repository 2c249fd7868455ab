/** The verdict of preflight on a certificate is that of the clients that Milvus has. */
import { expect } from '@jest/globals'
import {
  collectRejections,
  type PresentedCertificate,
} from '../../integration/certificate-clients.ts'
import { toPem } from '../../src/x509/certificate.ts'
import { host } from '../x509/issued-certificates.ts'
import {
  agreementCases,
  listOurCodes,
  parseBundle,
} from '../x509/openssl-agreement/agreement-cases.ts'
import {
  clientDisagreements,
  type GrpcClient,
} from '../x509/openssl-agreement/client-disagreements.ts'
import { labScenario } from './harness.ts'

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

const describeDisagreement = (client: GrpcClient, name: string): string => `${client}: ${name}`

labScenario(
  'grpcio and grpc-js accept what preflight accepts: every other certificate of the table has a reason',
  'the simulator has no Python',
  async ({ environment }) => {
    const presented = await createPresented()
    const rejections = await collectRejections(presented, {
      python: environment.programs.pymilvus,
      directory: environment.directory,
      host,
    })
    const found = presented.flatMap(({ name, isRejected }) =>
      (['grpcio', 'grpc-js'] as const).flatMap((client) => {
        const rejection = rejections.get(name)?.[client]
        return (rejection !== undefined) === isRejected ? [] : [describeDisagreement(client, name)]
      }),
    )
    const listed = clientDisagreements.flatMap(({ clients, cases }) =>
      clients.flatMap((client) => cases.map((name) => describeDisagreement(client, name))),
    )
    expect(found.sort()).toEqual(listed.sort())
  },
  { start: 'empty' },
)
