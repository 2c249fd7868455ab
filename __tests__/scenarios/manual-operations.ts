/**
 * Manual operations of a scenario in either test environment: with kubectl and AWS' own clients, as
 * the administrator.
 */
import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  ACMClient,
  DeleteCertificateCommand,
  GetCertificateCommand,
  ImportCertificateCommand,
  KeyAlgorithm,
  ListCertificatesCommand,
  ListTagsForCertificateCommand,
  RemoveTagsFromCertificateCommand,
} from '@aws-sdk/client-acm'
import {
  DescribeLoadBalancersCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { IssuedCertificate } from '../../testing/certificates.ts'
import type { TestEnvironment } from '../../testing/environment.ts'

/** An object of the cluster, with the fields that scenarios inspect. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly labels?: Readonly<Record<string, string>>
    readonly finalizers?: readonly string[]
  }
  readonly [field: string]: unknown
}

/** @returns undefined when the object does not exist */
export async function getObject(
  environment: TestEnvironment,
  kind: string,
  name: string,
): Promise<KubernetesObject | undefined> {
  const text = await environment.kubectl('get', kind, name, '--ignore-not-found', '-o', 'json')
  return text === '' ? undefined : (JSON.parse(text) as KubernetesObject)
}

/** The kinds of objects in a release and its Ingress. */
const releaseKinds = [
  'configmaps',
  'persistentvolumeclaims',
  'serviceaccounts',
  'roles',
  'rolebindings',
  'services',
  'deployments',
  'statefulsets',
  'jobs',
  'poddisruptionbudgets',
  'horizontalpodautoscalers',
  'servicemonitors',
  'ingresses',
  'secrets',
]

/**
 * The desired state of every object in the namespace, by kind and name, without generated fields,
 * counters and helm's own Secrets.
 */
export async function listNormalizedObjects(
  environment: TestEnvironment,
): Promise<Record<string, object>> {
  const { items } = JSON.parse(
    await environment.kubectl('get', releaseKinds.join(','), '-o', 'json'),
  ) as { items: KubernetesObject[] }
  const normalized = items
    .filter(({ metadata }) => metadata.labels?.['owner'] !== 'helm')
    .map(({ kind, metadata: { name, labels, annotations }, ...object }) => {
      const generatedFields = new Set([
        'apiVersion',
        'status',
        'clusterIP',
        'clusterIPs',
        'nodePort',
        'healthCheckNodePort',
        'deployment.kubernetes.io/revision',
        'milvus-alb-action/nudge',
      ])
      const text = JSON.stringify({ ...object, labels, annotations }, (key, value: unknown) =>
        generatedFields.has(key) ? undefined : value,
      )
      return [
        `${kind} ${name}`,
        JSON.parse(text.replace(/(?<=:certificate\/)[0-9a-f-]+/g, 'ID')) as object,
      ] as const
    })
  return Object.fromEntries(normalized)
}

/** Creates objects, in the namespace of Milvus when the first one has none. */
export async function createObjects(
  environment: TestEnvironment,
  ...objects: readonly KubernetesObject[]
): Promise<void> {
  await environment.kubectl(
    'create',
    '--namespace',
    objects[0]?.metadata.namespace ?? environment.namespace,
    '-f',
    await writeManifest(environment, objects),
  )
}

/** Replaces the object of the same name. */
export async function replaceObject(
  environment: TestEnvironment,
  object: KubernetesObject,
): Promise<void> {
  await environment.kubectl('replace', '-f', await writeManifest(environment, [object]))
}

async function writeManifest(
  environment: TestEnvironment,
  objects: readonly KubernetesObject[],
): Promise<string> {
  const path = join(environment.directory, 'by-hand.yaml')
  await writeFile(path, objects.map((object) => JSON.stringify(object)).join('\n---\n'))
  return path
}

/** The Lease that prevents concurrent runs. */
export const leaseName = 'milvus-alb-action'

export async function updateLease(environment: TestEnvironment, spec: object): Promise<void> {
  const live = await getObject(environment, 'lease', leaseName)
  if (!live) throw new Error(`there is no Lease ${leaseName}`)
  await replaceObject(environment, {
    ...live,
    metadata: { ...live.metadata, namespace: environment.namespace },
    spec: { ...(live['spec'] as object), ...spec },
  })
}

/** Simulates half a minute in which no run renews the Lease. */
export const expireLease = (environment: TestEnvironment): Promise<void> =>
  updateLease(environment, { renewTime: '2026-01-01T00:00:00.000000Z' })

const annotationPrefix = 'alb.ingress.kubernetes.io'

/** Creates the guide's Ingress with kubectl apply. */
export async function applyGuideIngress(
  environment: TestEnvironment,
  certificateArn: string,
  extraAnnotations: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<void> {
  const annotations = {
    [`${annotationPrefix}/scheme`]: 'internet-facing',
    [`${annotationPrefix}/backend-protocol-version`]: 'GRPC',
    [`${annotationPrefix}/target-type`]: 'ip',
    [`${annotationPrefix}/listen-ports`]: `[{"HTTPS":${environment.listenPort}}]`,
    [`${annotationPrefix}/certificate-arn`]: certificateArn,
    ...extraAnnotations,
  }
  const rule = {
    host: environment.host,
    http: {
      paths: [
        {
          path: '/',
          pathType: 'Prefix',
          backend: { service: { name: 'milvus-demo', port: { number: 19530 } } },
        },
      ],
    },
  }
  const ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: environment.namespace, name: 'milvus-demo', annotations },
    spec: { ingressClassName: 'alb', rules: [rule] },
  }
  await environment.kubectl('apply', '-f', await writeManifest(environment, [ingress]), ...flags)
}

/** The annotations of the Ingress; those of the controller without their prefix. */
export async function ingressAnnotations(
  environment: TestEnvironment,
  name = 'milvus-demo',
): Promise<Record<string, string>> {
  const all = (await getObject(environment, 'ingress', name))?.metadata.annotations ?? {}
  return Object.fromEntries(
    Object.entries(all).map(([key, value]) => [key.replace(`${annotationPrefix}/`, ''), value]),
  )
}

/**
 * Creates what the Milvus Operator or plain manifests create: a Deployment and a Service without
 * helm's labels.
 */
export async function createMilvusObjects(
  environment: TestEnvironment,
  name: string,
): Promise<void> {
  const labels = { app: name }
  const container = {
    name: 'milvus',
    image: 'milvusdb/milvus',
    ports: [{ name: 'milvus', containerPort: 19530 }],
  }
  await createObjects(
    environment,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, labels },
      spec: {
        type: 'ClusterIP',
        selector: labels,
        ports: [{ name: 'milvus', port: 19530, targetPort: 'milvus' }],
      },
    },
  )
}

/** Creates another revision of the release without changing its configuration. */
export const upgradeRelease = (
  environment: TestEnvironment,
  release = 'milvus-demo',
): Promise<string> =>
  environment.helm(
    'upgrade',
    release,
    'milvus',
    '--repo',
    environment.chartRepository.url,
    '--version',
    '4.2.58',
    '--reuse-values',
  )

/** Sets the number of pods of a Deployment. */
export const scaleDeployment = (
  environment: TestEnvironment,
  deployment: string,
  replicas: number,
): Promise<string> =>
  environment.kubectl('scale', 'deployment', deployment, `--replicas=${replicas}`)

/** Sets the image of a container of a Deployment. */
export const setDeploymentImage = (
  environment: TestEnvironment,
  deployment: string,
  container: string,
  image: string,
): Promise<string> =>
  environment.kubectl('set', 'image', `deployment/${deployment}`, `${container}=${image}`)

/**
 * Changes an object with a merge patch.
 * @param manager field manager of the changed fields; kubectl's own when absent
 */
export async function patchObject(
  environment: TestEnvironment,
  object: string,
  change: object,
  manager?: string,
): Promise<void> {
  await environment.kubectl(
    'patch',
    object,
    '--type',
    'merge',
    '--patch',
    JSON.stringify(change),
    ...(manager === undefined ? [] : ['--field-manager', manager]),
  )
}

/** Creates an autoscaler for a Deployment, and sets the number of pods as that autoscaler would. */
export async function createAutoscaler(
  environment: TestEnvironment,
  deployment: string,
  replicas: number,
): Promise<void> {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment }
  await createObjects(environment, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: deployment },
    spec: { scaleTargetRef, minReplicas: replicas, maxReplicas: replicas },
  })
  await environment.kubectl(
    'patch',
    'deployment',
    deployment,
    '--subresource',
    'scale',
    '--type',
    'merge',
    '--patch',
    JSON.stringify({ spec: { replicas } }),
    '--field-manager',
    'kube-controller-manager',
  )
}

/** Configuration of AWS clients for the administrator. */
export const getAwsClientConfig = ({
  aws: {
    endpoint,
    credentials: [administrator],
  },
  region,
}: TestEnvironment) => {
  if (!administrator) throw new Error('the world has no AWS credentials')
  return {
    endpoint,
    region,
    credentials: {
      accessKeyId: administrator.accessKeyId,
      secretAccessKey: administrator.secretAccessKey,
    },
  }
}

export async function deleteCertificate(
  environment: TestEnvironment,
  CertificateArn: string,
): Promise<void> {
  await new ACMClient(getAwsClientConfig(environment)).send(
    new DeleteCertificateCommand({ CertificateArn }),
  )
}

/** A certificate in ACM. */
export interface AcmCertificate {
  readonly arn: string
  readonly x509: X509Certificate
  readonly tags: Readonly<Record<string, string>>
}

/** All certificates in ACM. */
export async function listCertificates(environment: TestEnvironment): Promise<AcmCertificate[]> {
  const acm = new ACMClient(getAwsClientConfig(environment))
  const { CertificateSummaryList: list = [] } = await acm.send(
    new ListCertificatesCommand({ Includes: { keyTypes: Object.values(KeyAlgorithm) } }),
  )
  return Promise.all(
    list.map(async ({ CertificateArn = '' }) => {
      const [{ Certificate = '' }, { Tags = [] }] = await Promise.all([
        acm.send(new GetCertificateCommand({ CertificateArn })),
        acm.send(new ListTagsForCertificateCommand({ CertificateArn })),
      ])
      return {
        arn: CertificateArn,
        x509: new X509Certificate(Certificate),
        tags: Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value])),
      }
    }),
  )
}

/** The certificate in ACM with an ARN. */
export async function findCertificate(
  environment: TestEnvironment,
  arn: string | undefined,
): Promise<AcmCertificate | undefined> {
  return (await listCertificates(environment)).find((certificate) => certificate.arn === arn)
}

/** Removes all tags from a certificate, as if a user had imported it. */
export async function removeTags(environment: TestEnvironment, arn: string): Promise<void> {
  const tags = (await findCertificate(environment, arn))?.tags ?? {}
  await new ACMClient(getAwsClientConfig(environment)).send(
    new RemoveTagsFromCertificateCommand({
      CertificateArn: arn,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    }),
  )
}

/**
 * Imports a certificate as the guide does with the AWS CLI; the environment's own when none is
 * given.
 * @returns its ARN
 */
export async function importCertificate(
  environment: TestEnvironment,
  { certificate, chain, privateKey }: IssuedCertificate = environment.certificate,
): Promise<string> {
  const bytes = (pem: string): Uint8Array => new TextEncoder().encode(pem)
  const { CertificateArn = '' } = await new ACMClient(getAwsClientConfig(environment)).send(
    new ImportCertificateCommand({
      Certificate: bytes(certificate),
      CertificateChain: bytes(chain),
      PrivateKey: bytes(privateKey),
    }),
  )
  return CertificateArn
}

/** The DNS names of the load balancers. */
export async function listLoadBalancerNames(environment: TestEnvironment): Promise<string[]> {
  const { LoadBalancers: list = [] } = await new ElasticLoadBalancingV2Client(
    getAwsClientConfig(environment),
  ).send(new DescribeLoadBalancersCommand({}))
  return list.map(({ DNSName = '' }) => DNSName)
}

/**
 * Selects the permissions to remove in a test environment: all in the simulator. In the lab, RBAC
 * is enforced by the API server itself, but IAM by the simulator's code before a call reaches moto,
 * so one action of a table represents the others there.
 */
export function selectRevocablePermissions<T extends { readonly permission: string }>(
  environment: TestEnvironment,
  table: readonly T[],
): readonly T[] {
  const first = table.find(({ permission }) => permission.includes(':'))
  return environment.name === 'simulator'
    ? table
    : table.filter((each) => each === first || !each.permission.includes(':'))
}
