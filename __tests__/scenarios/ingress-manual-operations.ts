/** Manual operations on Ingresses and their classes, with kubectl. */
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  createObjects,
  getObject,
  writeManifest,
  type KubernetesObject,
} from './manual-operations.ts'

/** The prefix of the controller's annotations. */
export const annotationPrefix = 'alb.ingress.kubernetes.io'

/** A rule for the Service of release milvus-demo. */
const buildIngressRule = (host: string, port = 19530): object => ({
  host,
  http: {
    paths: [
      {
        path: '/',
        pathType: 'Prefix',
        backend: { service: { name: 'milvus-demo', port: { number: port } } },
      },
    ],
  },
})

/** Another Ingress of group `shared`, also for Milvus' Service. */
export function buildGroupMember(
  environment: TestEnvironment,
  name: string,
  annotations: Readonly<Record<string, string>>,
  { host = 'other.example.com', port = 19530 } = {},
): KubernetesObject {
  const allAnnotations = {
    'group.name': 'shared',
    scheme: 'internet-facing',
    'backend-protocol-version': 'GRPC',
    'target-type': 'ip',
    'listen-ports': `[{"HTTPS":${environment.listenPort}}]`,
    ...annotations,
  }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name,
      namespace: environment.namespace,
      annotations: Object.fromEntries(
        Object.entries(allAnnotations).map(([key, value]) => [`${annotationPrefix}/${key}`, value]),
      ),
    },
    spec: { ingressClassName: 'alb', rules: [buildIngressRule(host, port)] },
  }
}

/** Creates an IngressClass of the controller with these parameters; both have this name. */
export async function createIngressClass(
  environment: TestEnvironment,
  name: string,
  spec: object,
  controller = 'ingress.k8s.aws/alb',
): Promise<void> {
  await createObjects(
    environment,
    { apiVersion: 'elbv2.k8s.aws/v1beta1', kind: 'IngressClassParams', metadata: { name }, spec },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name },
      spec: {
        controller,
        parameters: { apiGroup: 'elbv2.k8s.aws', kind: 'IngressClassParams', name },
      },
    },
  )
}

/** Creates the guide's Ingress with kubectl apply; its class may be the legacy annotation. */
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
  const ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: environment.namespace, name: 'milvus-demo', annotations },
    spec: {
      ...(!('kubernetes.io/ingress.class' in annotations) && { ingressClassName: 'alb' }),
      rules: [buildIngressRule(environment.host)],
    },
  }
  await environment.kubectl('apply', '-f', await writeManifest(environment, [ingress]), ...flags)
}

/** The annotations of the Ingress; those of the controller without their prefix. */
export async function getIngressAnnotations(
  environment: TestEnvironment,
  name = 'milvus-demo',
): Promise<Record<string, string>> {
  const all = (await getObject(environment, 'ingress', name))?.metadata.annotations ?? {}
  return Object.fromEntries(
    Object.entries(all).map(([key, value]) => [key.replace(`${annotationPrefix}/`, ''), value]),
  )
}
