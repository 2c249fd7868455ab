/**
 * The installation modes of the Milvus chart, as values. Sources: the chart's README, "Deploy
 * Milvus with standalone mode" and "Deploy Milvus with cluster mode"; Milvus' guide "Deploy a
 * Milvus Cluster on EKS".
 */

/** How Milvus is installed. */
export type InstallationMode = 'cluster' | 'standalone-defaults' | 'standalone'

/**
 * The values of each mode. All others have the chart's defaults, which are a cluster with MinIO and
 * Pulsar.
 */
export const modeValues: Readonly<Record<InstallationMode, object>> = {
  /** As in the guide for EKS: behind a Network Load Balancer, with S3 instead of MinIO. */
  cluster: {
    cluster: { enabled: true },
    service: {
      type: 'LoadBalancer',
      port: 19530,
      annotations: {
        'service.beta.kubernetes.io/aws-load-balancer-type': 'external',
        'service.beta.kubernetes.io/aws-load-balancer-name': 'milvus-service',
        'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internet-facing',
        'service.beta.kubernetes.io/aws-load-balancer-nlb-target-type': 'ip',
      },
    },
    serviceAccount: {
      create: true,
      name: 'milvus-s3-access-sa',
      annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/milvus-s3' },
    },
    minio: { enabled: false },
    externalS3: {
      enabled: true,
      host: 's3.us-east-2.amazonaws.com',
      port: '443',
      useSSL: true,
      bucketName: 'milvus-bucket',
      rootPath: 'milvus',
      useIAM: true,
      cloudProvider: 'aws',
      iamEndpoint: '',
    },
  },
  /** One Milvus, with etcd, MinIO and Pulsar as large as those of a cluster. */
  'standalone-defaults': { cluster: { enabled: false } },
  /** One replica of everything and no Pulsar, as the README recommends. */
  standalone: {
    cluster: { enabled: false },
    etcd: { replicaCount: 1 },
    minio: { mode: 'standalone' },
    pulsar: { enabled: false },
    pulsarv3: { enabled: false },
  },
}
