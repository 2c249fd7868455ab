/** The official Milvus clients, pymilvus and the Node SDK, through the load balancer of a lab. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import type { Lab } from './lab.ts'

/**
 * Connects by address with server_name, creates a collection, inserts and searches. Then connects
 * by name through a proxy that resolves it, searches again and drops the collection.
 */
const pymilvusScript = `
import os
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, utility
common = {'port': os.environ['PORT'], 'secure': True}
if 'CLIENT_CERTIFICATE' in os.environ:
    common['ca_pem_path'] = os.environ['CA']
    common['client_pem_path'] = os.environ['CLIENT_CERTIFICATE']
    common['client_key_path'] = os.environ['CLIENT_KEY']
else:
    common['server_pem_path'] = os.environ['CA']
if 'TOKEN' in os.environ: common['token'] = os.environ['TOKEN']
connections.connect('address', host=os.environ['ADDRESS'], server_name=os.environ['HOST'], **common)
fields = [
    FieldSchema('id', DataType.INT64, is_primary=True),
    FieldSchema('vector', DataType.FLOAT_VECTOR, dim=4),
]
collection = Collection(os.environ['COLLECTION'], CollectionSchema(fields), using='address')
collection.insert([[1, 2, 3], [[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0]]])
collection.create_index('vector', {'index_type': 'FLAT', 'metric_type': 'L2', 'params': {}})
collection.load()
def search(using):
    found = Collection(os.environ['COLLECTION'], using=using).search(
        [[0, 1.0, 0, 0]], 'vector', {'metric_type': 'L2', 'params': {}},
        limit=1, consistency_level='Strong')
    print('by', using, 'found', found[0][0].id)
search('address')
os.environ['grpc_proxy'] = os.environ['PROXY']
connections.connect('name', host=os.environ['HOST'], **common)
search('name')
utility.drop_collection(os.environ['COLLECTION'], using='name')
`

/** What a client needs for TLS; PEM. */
export interface TlsFiles {
  readonly rootCertificates: string
  /** Of the client, for mutual TLS. */
  readonly certificate: string | undefined
  readonly privateKey: string | undefined
}

/**
 * Creates, searches and drops a collection with pymilvus, which trusts the CA of the lab.
 * @throws Error with its output
 */
export async function verifyPymilvus(
  lab: Lab,
  { certificate, privateKey }: TlsFiles,
): Promise<void> {
  const token = lab.milvusToken()
  const environment: Record<string, string> = { COLLECTION: createCollectionName() }
  if (token !== '') environment['TOKEN'] = token
  if (certificate !== undefined && privateKey !== undefined) {
    environment['CLIENT_CERTIFICATE'] = join(lab.directory, 'client.pem')
    environment['CLIENT_KEY'] = join(lab.directory, 'client-key.pem')
    await writeFile(environment['CLIENT_CERTIFICATE'], certificate)
    await writeFile(environment['CLIENT_KEY'], privateKey, { mode: 0o600 })
  }
  const output = await lab.pymilvus(pymilvusScript, environment)
  if (!/by address found 2\n.*by name found 2/s.test(output))
    throw new Error(`pymilvus did not find the inserted entity:\n${output}`)
}

/** A unique name, because labs may share a Milvus. */
const createCollectionName = (): string => `lab_${randomUUID().replaceAll('-', '_')}`

/**
 * Creates and drops a collection with the Node SDK.
 * @throws Error with its message
 */
export async function verifyNodeClient(
  lab: Lab,
  { rootCertificates, certificate, privateKey }: TlsFiles,
): Promise<void> {
  const token = lab.milvusToken()
  const client = new MilvusClient({
    address: `https://${lab.albAddress}:${lab.listenPort}`,
    ssl: true,
    logLevel: 'error',
    ...(token === '' ? {} : { token }),
    tls: {
      rootCert: Buffer.from(rootCertificates),
      serverName: lab.host,
      ...(certificate !== undefined && { certChain: Buffer.from(certificate) }),
      ...(privateKey !== undefined && { privateKey: Buffer.from(privateKey) }),
    },
    // The SDK's serverName sets only the name in TLS; the ALB routes by :authority.
    channelOptions: { 'grpc.default_authority': lab.host },
  })
  try {
    const collection_name = createCollectionName()
    await client.connectPromise
    const created = await client.createCollection({
      collection_name,
      fields: [
        { name: 'id', data_type: DataType.Int64, is_primary_key: true },
        { name: 'vector', data_type: DataType.FloatVector, dim: 4 },
      ],
    })
    if (created.error_code !== 'Success')
      throw new Error(`The Node SDK could not create a collection: ${created.reason}`)
    await client.dropCollection({ collection_name })
  } finally {
    await client.closeConnection()
  }
}
