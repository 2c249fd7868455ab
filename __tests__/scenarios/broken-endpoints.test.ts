/** The probe's verdict on an address is that of the clients that Milvus has. */
import { expect } from '@jest/globals'
import { startBrokenEndpoints } from '../../integration/broken-endpoints.ts'
import { callWithAllClients } from '../../integration/grpc-clients.ts'
import { labScenario } from './harness.ts'
import { isUsable } from './probe-verdict.ts'

/** Milliseconds for the probe and for the clients. */
const timeout = 5_000

labScenario(
  'grpcio and grpc-js connect to the addresses that the probe counts as working, and to no other',
  'the simulator has no Python',
  async ({ environment }) => {
    const { certificateAuthority, host } = environment
    const other = await certificateAuthority.issue({ hosts: ['other.example.com'] })
    const { endpoints, close } = await startBrokenEndpoints(environment.certificate, other)
    try {
      const root = certificateAuthority.root
      const targets = endpoints.map((endpoint) => ({ ...endpoint, root }))
      const clients = await callWithAllClients(
        targets,
        { python: environment.programs.pymilvus, directory: environment.directory, host },
        timeout / 1000,
      )
      const verdicts = await Promise.all(
        targets.map(async (target) => ({
          name: target.name,
          probe: await isUsable(target, host, timeout),
          grpcio: clients.get(target.name)?.grpcio === undefined,
          'grpc-js': clients.get(target.name)?.['grpc-js'] === undefined,
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
