/** The official Milvus clients, pymilvus and the Node SDK, through the load balancer of a lab. */
import { randomUUID } from 'node:crypto'
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import type { Lab } from './lab.ts'

/**
 * Connects by address with server_name, creates a collection, inserts and searches. Then connects
 * by name through a proxy that resolves it, searches again and drops the collection.
 */
const pymilvusScript = `
import os
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, utility
common = {'port': os.environ['PORT'], 'secure': True, 'server_pem_path': os.environ['CA']}
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

/**
 * Creates, searches and drops a collection with pymilvus.
 * @throws Error with its output
 */
export async function verifyPymilvus(lab: Lab): Promise<void> {
  const token = lab.milvusToken()
  const output = await lab.pymilvus(pymilvusScript, {
    COLLECTION: createCollectionName(),
    ...(token === '' ? {} : { TOKEN: token }),
  })
  if (!/by address found 2\n.*by name found 2/s.test(output))
    throw new Error(`pymilvus did not find the inserted entity:\n${output}`)
}

/** A unique name, because labs may share a Milvus. */
const createCollectionName = (): string => `lab_${randomUUID().replaceAll('-', '_')}`

/**
 * Creates and drops a collection with the Node SDK.
 * @param rootCertificates PEM
 * @throws Error with its message
 */
export async function verifyNodeClient(
  lab: Lab,
  rootCertificates = lab.certificateAuthority.root,
): Promise<void> {
  const token = lab.milvusToken()
  const client = new MilvusClient({
    address: `https://${lab.albAddress}:${lab.listenPort}`,
    ssl: true,
    logLevel: 'error',
    ...(token === '' ? {} : { token }),
    tls: { rootCert: Buffer.from(rootCertificates), serverName: lab.host },
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
