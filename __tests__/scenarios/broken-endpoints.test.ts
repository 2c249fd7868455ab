/** The probe's verdict on an address is that of the clients that Milvus has. */
import { expect } from '@jest/globals'
import { startBrokenEndpoints } from '../../integration/broken-endpoints.ts'
import { callWithAllClients } from '../../integration/grpc-clients.ts'
import { connectAddresses } from '../../src/clients/milvus/addresses.ts'
import { labScenario } from './harness.ts'

/** Milliseconds for the probe and for the clients. */
const timeout = 5_000

async function isUsable(port: number, host: string, ca: string): Promise<boolean> {
  const endpoint = {
    host,
    address: { host: '127.0.0.1', port },
    ca,
    expectedCertificate: undefined,
    listener: { isInternal: false, restrictedBy: undefined, sslPolicy: '', group: undefined },
    timeout,
    callTimeout: timeout,
  }
  const { channels, failures } = await connectAddresses(endpoint, new AbortController().signal)
  for (const channel of channels) channel.close()
  return failures.length === 0
}

labScenario(
  'grpcio and grpc-js connect to the addresses that the probe counts as working, and to no other',
  'the simulator has no Python',
  async ({ environment }) => {
    const { certificateAuthority, host } = environment
    const other = await certificateAuthority.issue({ hosts: ['other.example.com'] })
    const { endpoints, close } = await startBrokenEndpoints(environment.certificate, other)
    try {
      const root = certificateAuthority.root
      const clients = await callWithAllClients(
        endpoints.map((endpoint) => ({ ...endpoint, root })),
        { python: environment.programs.pymilvus, directory: environment.directory, host },
        timeout / 1000,
      )
      const verdicts = await Promise.all(
        endpoints.map(async ({ name, port }) => ({
          name,
          probe: await isUsable(port, host, root),
          grpcio: clients.get(name)?.grpcio === undefined,
          'grpc-js': clients.get(name)?.['grpc-js'] === undefined,
        })),
      )
      expect(verdicts).toEqual(
        endpoints.map(({ name }) => {
          const works = name === 'works'
          return { name, probe: works, grpcio: works, 'grpc-js': works }
        }),
      )
    } finally {
      close()
    }
  },
  { start: 'empty' },
)
