/** Scenarios on real parts: what the sandbox cannot prove, because it is ours. Each gets a lab of its own, with Milvus installed by helm. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataType, MilvusClient } from '@zilliz/milvus2-sdk-node'
import type { ActionRun } from '../sandbox/runner.ts'
import { act } from './act.ts'
import { permissions } from './permissions.ts'
import type { Lab } from './world.ts'

/** One scenario: what holds, and what shows it. */
export interface LabScenario {
  readonly name: string
  readonly run: (lab: Lab) => Promise<void>
}

function succeeded(run: ActionRun): ActionRun {
  assert.equal(run.exitCode, 0, run.log)
  assert.deepEqual(run.leftovers, [])
  return run
}

function failed(run: ActionRun, step: string, code: string): ActionRun {
  assert.deepEqual({ exit: run.exitCode, step: run.outputs['failed-step'], code: run.outputs['failure-code'] }, { exit: 1, step, code }, run.log)
  return run
}

const unchanged = (run: ActionRun): void => assert.equal(succeeded(run).outputs['changed'], 'false', run.outputs['changes'])

/** The guide's client: connects, makes a collection, inserts, searches and drops it. By the ALB's address, or by name behind a proxy. */
const useMilvus = `
import os
from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, utility
name = {} if 'grpc_proxy' in os.environ else {'server_name': os.environ['SERVER_NAME']}
token = {'token': os.environ['TOKEN']} if 'TOKEN' in os.environ else {}
connections.connect('default', host=os.environ['HOST'], port=os.environ['PORT'], secure=True, server_pem_path=os.environ['CA'], **name, **token)
fields = [FieldSchema('id', DataType.INT64, is_primary=True), FieldSchema('vector', DataType.FLOAT_VECTOR, dim=4)]
collection = Collection('lab', CollectionSchema(fields))
collection.insert([[1, 2, 3], [[1.0, 0, 0, 0], [0, 1.0, 0, 0], [0, 0, 1.0, 0]]])
collection.create_index('vector', {'index_type': 'FLAT', 'metric_type': 'L2', 'params': {}})
collection.load()
found = collection.search([[0, 1.0, 0, 0]], 'vector', {'metric_type': 'L2', 'params': {}}, limit=1, consistency_level='Strong')
print('found', found[0][0].id)
utility.drop_collection('lab')
`

/** Milvus' SDK for Node, which sets only the name in TLS: the ALB routes by :authority. */
async function expectNodeClient(lab: Lab): Promise<void> {
  const client = new MilvusClient({
    address: `https://${lab.albAddress}:${lab.listenPort}`,
    ssl: true,
    tls: { rootCert: Buffer.from(lab.authority.root), serverName: lab.host },
    channelOptions: { 'grpc.default_authority': lab.host },
  })
  try {
    await client.connectPromise
    assert.match((await client.getVersion()).version, /^v2\.3\.5/)
    const created = await client.createCollection({ collection_name: 'node', fields: [{ name: 'id', data_type: DataType.Int64, is_primary_key: true }, { name: 'vector', data_type: DataType.FloatVector, dim: 4 }] })
    assert.equal(created.error_code, 'Success', created.reason)
    await client.dropCollection({ collection_name: 'node' })
  } finally {
    await client.closeConnection()
  }
}

async function expectClient(lab: Lab, environment: Readonly<Record<string, string>> = {}): Promise<void> {
  assert.match(await lab.pymilvus(useMilvus, environment), /^found 2$/m)
}

/** The guide's Ingress, with kubectl apply. */
async function applyByHand(lab: Lab, certificateArn: string, more: Readonly<Record<string, string>> = {}, flags: readonly string[] = []): Promise<void> {
  const prefix = 'alb.ingress.kubernetes.io'
  const annotations = { [`${prefix}/scheme`]: 'internet-facing', [`${prefix}/backend-protocol-version`]: 'GRPC', [`${prefix}/target-type`]: 'ip', [`${prefix}/listen-ports`]: `[{"HTTPS":${lab.listenPort}}]`, [`${prefix}/certificate-arn`]: certificateArn, ...more }
  const path = join(lab.directory, 'by-hand.json')
  const rule = { host: lab.host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'milvus-demo', port: { number: 19530 } } } }] } }
  await writeFile(path, JSON.stringify({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { namespace: lab.namespace, name: 'milvus-demo', annotations }, spec: { ingressClassName: 'alb', rules: [rule] } }))
  await lab.kubectl('apply', '-f', path, ...flags)
}

const annotationsOf = async (lab: Lab): Promise<Record<string, string>> =>
  (JSON.parse(await lab.kubectl('get', 'ingress', 'milvus-demo', '-o', 'json')) as { metadata: { annotations: Record<string, string> } }).metadata.annotations

/** All of them, in the order in which they run. */
export const scenarios: readonly LabScenario[] = [
  {
    name: 'first deployment, converged run, and the clients: pymilvus by server_name and by name, the SDK for Node',
    async run(lab) {
      const first = succeeded(await act(lab))
      assert.match(first.outputs['milvus-version'] ?? '', /^v2\.3\.5/)
      unchanged(await act(lab))
      await expectClient(lab)
      await expectClient(lab, lab.byName)
      await expectNodeClient(lab)
    },
  },
  {
    name: 'helm 3.17 does as well, and values are kept though the repository has a newer chart',
    async run(lab) {
      await lab.useHelm(3)
      await lab.charts.publish('6.0.0')
      succeeded(await act(lab, { values: 'minio: {bucketName: kept}' }))
      unchanged(await act(lab))
      assert.deepEqual(JSON.parse(await lab.helm('get', 'values', 'milvus-demo', '-o', 'json')), { minio: { bucketName: 'kept' }, service: { type: 'ClusterIP' } })
      assert.equal((JSON.parse(await lab.helm('get', 'metadata', 'milvus-demo', '-o', 'json')) as { version: string }).version, '4.2.58')
    },
  },
  {
    name: 'a renewed certificate goes under the same ARN and is served',
    async run(lab) {
      const first = succeeded(await act(lab))
      const renewed = await lab.authority.issue({ hosts: [lab.host] })
      const second = succeeded(await act(lab, { certificate: renewed.fullchain, 'private-key': renewed.privateKey }))
      assert.equal(second.outputs['certificate-arn'], first.outputs['certificate-arn'])
      await expectClient(lab)
    },
  },
  {
    name: 'an Ingress made with kubectl apply is taken over: another certificate, and an annotation dropped',
    async run(lab) {
      const extra = { 'alb.ingress.kubernetes.io/target-group-attributes': 'deregistration_delay.timeout_seconds=30' }
      const { 'certificate-arn': arn = '' } = succeeded(await act(lab)).outputs
      await lab.kubectl('delete', 'ingress', 'milvus-demo')
      await applyByHand(lab, arn, { ...extra, 'example.com/owner': 'a person' })
      succeeded(await act(lab, { annotations: JSON.stringify(extra) }))
      const larger = await lab.authority.issue({ hosts: [lab.host], key: 'RSA_3072' })
      const inputs = { certificate: larger.fullchain, 'private-key': larger.privateKey }
      const moved = succeeded(await act(lab, inputs))
      assert.notEqual(moved.outputs['certificate-arn'], arn)
      const annotations = await annotationsOf(lab)
      assert.equal(annotations['alb.ingress.kubernetes.io/certificate-arn'], moved.outputs['certificate-arn'])
      assert.equal(annotations['alb.ingress.kubernetes.io/target-group-attributes'], undefined)
      assert.equal(annotations['example.com/owner'], 'a person')
      unchanged(await act(lab, inputs))
    },
  },
  {
    name: 'a field that a person holds is a conflict that names manager and field; force-conflicts takes it over',
    async run(lab) {
      succeeded(await act(lab))
      await lab.kubectl('annotate', 'ingress', 'milvus-demo', '--overwrite', 'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08')
      const refused = failed(await act(lab), 'ingress', 'ingress-conflict')
      assert.match(refused.log, /kubectl-annotate/)
      assert.match(refused.log, /ssl-policy/)
      succeeded(await act(lab, { 'force-conflicts': 'true' }))
    },
  },
  {
    name: "helm 4's server-side apply against a Service that kubectl edited",
    async run(lab) {
      succeeded(await act(lab))
      await lab.kubectl('patch', 'service', 'milvus-demo', '--type', 'merge', '--patch', '{"spec":{"type":"LoadBalancer"}}')
      assert.match(failed(await act(lab), 'release', 'helm-upgrade-failed').log, /kubectl-patch has changed/)
      succeeded(await act(lab, { 'force-conflicts': 'true' }))
    },
  },
  {
    name: 'the controller refuses after an earlier success, and the nudge brings it back when that is mended',
    async run(lab) {
      if (!lab.controller) return
      succeeded(await act(lab))
      lab.controller.options.unknownIds = ['subnet-unknown']
      failed(await act(lab, { subnets: 'subnet-unknown' }), 'load-balancer', 'controller-refused')
      lab.controller.options.unknownIds = []
      succeeded(await act(lab))
    },
  },
  {
    name: 'Milvus with authorization: reached without a token, proven with one, refused with a wrong one',
    async run(lab) {
      await lab.useMilvus('authorized')
      const without = succeeded(await act(lab))
      assert.equal(without.outputs['milvus-version'], undefined)
      assert.match(succeeded(await act(lab, { 'milvus-token': 'root:Milvus' })).outputs['milvus-version'] ?? '', /^v2\.3\.5/)
      failed(await act(lab, { 'milvus-token': 'root:wrong-password' }), 'probe', 'milvus-unauthenticated')
      await expectClient(lab, { TOKEN: 'root:Milvus' })
    },
  },
  {
    name: 'Milvus Lite, a second implementation of the API',
    async run(lab) {
      await lab.useMilvus('lite')
      assert.match(succeeded(await act(lab)).outputs['milvus-version'] ?? '', /lite/)
    },
  },
  {
    name: 'exactly the permissions that docs ship are enough, and each is needed',
    run: permissions,
  },
  {
    name: 'a role without an access entry',
    async run(lab) {
      lab.eks.accessEntries = new Map()
      failed(await act(lab), 'preflight', 'cluster-unauthorized')
    },
  },
  {
    name: 'a field that Argo CD holds is a conflict that names it',
    async run(lab) {
      const { 'certificate-arn': arn = '' } = succeeded(await act(lab)).outputs
      await lab.kubectl('delete', 'ingress', 'milvus-demo')
      await applyByHand(lab, arn, { 'alb.ingress.kubernetes.io/ssl-policy': 'ELBSecurityPolicy-2016-08' }, ['--server-side', '--field-manager=argocd-controller'])
      assert.match(failed(await act(lab), 'ingress', 'ingress-conflict').log, /argocd-controller.*ssl-policy|ssl-policy.*argocd-controller/)
      succeeded(await act(lab, { 'force-conflicts': 'true' }))
    },
  },
  {
    name: 'cancelled while helm waits: the release is not pending, and the same run again goes on',
    async run(lab) {
      const inputs = { 'chart-version': '5.0.19' }
      const run = await act(lab, inputs, {
        onStart: (child) => {
          const pending = setInterval(() => {
            void lab.kubectl('get', 'secrets', '-l', 'owner=helm,status=pending-upgrade', '-o', 'name').then((names) => {
              if (names.trim() === '') return
              clearInterval(pending)
              child.kill('SIGINT')
            })
          }, 50)
          child.on('exit', () => clearInterval(pending))
        },
      })
      // helm may have been quicker than the signal: then the run was cancelled in a later step, or succeeded.
      if (run.exitCode !== 0) assert.equal(run.outputs['failure-code'], 'cancelled', run.log)
      assert.equal((await lab.kubectl('get', 'secrets', '-l', 'owner=helm,status=pending-upgrade', '-o', 'name')).trim(), '')
      succeeded(await act(lab, inputs))
    },
  },
]
