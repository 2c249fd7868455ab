/** Inputs that say where Milvus runs. */
import { defineInputs } from '../declaration.ts'
import { parseFilePath } from '../file-paths.ts'
import { list, path, port, string } from '../input-types.ts'
import { parseAccountIds } from '../lists.ts'
import { parseClusterName, parseKubernetesName, parseRegion } from '../names.ts'
import { parseLine } from '../parsers.ts'

export const clusterInputs = defineInputs({
  cluster: {
    ...string(parseClusterName),
    description:
      'Name of the EKS cluster. The action creates tokens for it from the AWS credentials of ' +
      'the job.',
    example: 'production',
    required: 'unless `kubeconfig` or the variable `KUBECONFIG` is set',
  },
  region: {
    ...string(parseRegion),
    description: 'AWS region of the cluster and of the certificate.',
    example: 'us-east-2',
    defaultDescription: '`AWS_REGION`, then `AWS_DEFAULT_REGION`',
  },
  namespace: {
    ...string(parseKubernetesName),
    description: 'Kubernetes namespace of Milvus.',
    default: 'milvus',
  },
  release: {
    ...string(parseKubernetesName),
    description: 'Name of the Helm release of Milvus.',
    example: 'milvus-demo',
    defaultDescription:
      'the only release of the namespace that contains Milvus, also as a subchart',
  },
  service: {
    ...string(parseKubernetesName),
    description:
      'Name of the Service, for Milvus without a Helm release (Milvus Operator, Argo CD, plain ' +
      'manifests), or with one that the action should not change. With it, the action does not ' +
      'run Helm.',
    example: 'milvus-demo-milvus',
  },
  'service-port': {
    ...port,
    description: "Port of Milvus' gRPC API on the Service.",
    example: '19530',
    defaultDescription: 'the port named `milvus`, then `19530`',
  },
  kubeconfig: {
    ...path(parseFilePath),
    description: 'Path of a kubeconfig, as an alternative to `cluster`.',
    example: '/home/runner/.kube/config',
    defaultDescription: 'the variable `KUBECONFIG`, if `cluster` is empty',
  },
  context: {
    ...string(parseLine),
    description: 'Context of the kubeconfig.',
    example: 'production',
    defaultDescription: 'the current context of the kubeconfig',
  },
  'allowed-account-ids': {
    ...list(parseAccountIds),
    description:
      'IDs of the AWS accounts that the credentials of the job may belong to. The action ' +
      'rejects any other account before it makes another request, also with `kubeconfig`. Quote ' +
      'an ID that begins with 0.',
    example: '111122223333',
    defaultDescription: 'any account',
  },
})
