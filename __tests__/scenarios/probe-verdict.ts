/** Whether the probe counts an address as working. */
import { connectAddresses } from '../../src/clients/milvus/addresses.ts'
import type { ServedTarget } from '../../integration/grpc-clients.ts'

/** @param timeout milliseconds */
export async function isUsable(
  { port, root }: ServedTarget,
  host: string,
  timeout: number,
): Promise<boolean> {
  const endpoint = {
    host,
    address: { host: '127.0.0.1', port },
    ca: root,
    expectedCertificate: undefined,
    listener: { isInternal: false, restrictedBy: undefined, sslPolicy: '', group: undefined },
    timeout,
    callTimeout: timeout,
  }
  const { channels, failures } = await connectAddresses(endpoint, new AbortController().signal)
  for (const channel of channels) channel.close()
  return failures.length === 0
}
