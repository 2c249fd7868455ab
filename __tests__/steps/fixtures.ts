/** Settings and targets for the pure parts of the steps. */
import type { Event, Ingress, ManagedFieldsEntry } from '../../src/clients/kubernetes/types.ts'
import { combineErrors } from '../../src/failures/action-error.ts'
import { parseSettings } from '../../src/inputs/settings.ts'
import type {
  EndpointSettings,
  IngressSettings,
  ProbeSettings,
  RemovalSettings,
} from '../../src/inputs/types.ts'
import type { Target } from '../../src/steps/preflight/preflight.ts'
import type { ReleaseRevision } from '../../src/clients/helm/release-storage.ts'

export const host = 'milvus.example.com'
export const certificateArn =
  'arn:aws:acm:us-east-2:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000'

/** Settings of the smallest inputs, with some of them replaced. */
export function createSettings({
  ingress = {},
  probe = {},
  ...overrides
}: Partial<Omit<EndpointSettings, 'ingress' | 'probe'>> & {
  ingress?: Partial<IngressSettings>
  probe?: Partial<ProbeSettings>
} = {}): EndpointSettings {
  const settings = parseMinimalInputs()
  return {
    ...settings,
    ...overrides,
    ingress: { ...settings.ingress, ...ingress },
    probe: { ...settings.probe, ...probe },
  }
}

/** Settings of a removal with the smallest inputs. */
export function createRemovalSettings(): RemovalSettings {
  const inputs = { cluster: 'production', region: 'us-east-2', mode: 'destroy' }
  const result = parseSettings(inputs, {})
  if ('errors' in result) throw combineErrors(result.errors)
  if (result.settings.mode !== 'destroy') throw new TypeError('these are inputs of a removal')
  return result.settings
}

function parseMinimalInputs(): EndpointSettings {
  const inputs = {
    cluster: 'production',
    region: 'us-east-2',
    host,
    'certificate-arn': certificateArn,
  }
  const result = parseSettings(inputs, {})
  if ('errors' in result) throw combineErrors(result.errors)
  if (result.settings.mode === 'destroy') throw new TypeError('these are no inputs of a removal')
  return result.settings
}

export function createRevision(overrides: Partial<ReleaseRevision> = {}): ReleaseRevision {
  return {
    name: 'milvus-demo',
    revision: 4,
    status: 'deployed',
    chart: { name: 'milvus', version: '5.0.19', appVersion: '2.6.15' },
    values: { service: { type: 'ClusterIP' } },
    manifest: '',
    deployedAt: '2026-01-02T03:04:05Z',
    serverSide: false,
    ...overrides,
  }
}

export function createTarget(overrides: Partial<Target> = {}): Target {
  return {
    namespace: { name: 'milvus', uid: 'uid-of-namespace' },
    release: { latestRevision: createRevision(), deployedRevision: createRevision() },
    unreadableReleaseName: undefined,
    service: { name: 'milvus-demo', type: 'ClusterIP', port: 19530 },
    manager: undefined,
    ingressName: 'milvus-demo',
    ingress: undefined,
    restService: undefined,
    events: [],
    classParams: { readable: true, spec: {} },
    classController: 'ingress.k8s.aws/alb',
    ...overrides,
  }
}

/** An Ingress as the API shows it. */
export function ingress(
  annotations: Record<string, string>,
  options: {
    ownedAnnotations?: readonly string[]
    spec?: Ingress['spec']
    hostname?: string
    manager?: Pick<ManagedFieldsEntry, 'manager' | 'operation' | 'time'>
    /** Another manager that applied the same annotations. */
    sharedWith?: string
  } = {},
): Ingress {
  const fields = Object.fromEntries((options.ownedAnnotations ?? []).map((key) => [`f:${key}`, {}]))
  const entry = {
    manager: 'milvus-alb-action',
    operation: 'Apply' as const,
    fieldsV1: { 'f:metadata': { 'f:annotations': fields } },
  }
  const managedFields: ManagedFieldsEntry[] = []
  if (options.ownedAnnotations !== undefined) managedFields.push({ ...entry, ...options.manager })
  if (options.sharedWith !== undefined)
    managedFields.push({ ...entry, manager: options.sharedWith })
  return {
    metadata: {
      name: 'milvus-demo',
      namespace: 'milvus',
      uid: 'uid-of-ingress',
      resourceVersion: '100',
      annotations,
      managedFields,
    },
    spec: options.spec ?? {},
    ...(options.hostname !== undefined && {
      status: { loadBalancer: { ingress: [{ hostname: options.hostname }] } },
    }),
  }
}

export function createEvent(reason: string, message = '', resourceVersion = '1'): Event {
  return {
    metadata: { name: `milvus-demo.${resourceVersion}`, uid: 'e', resourceVersion },
    type: reason === 'SuccessfullyReconciled' ? 'Normal' : 'Warning',
    reason,
    message,
    involvedObject: {
      kind: 'Ingress',
      uid: 'uid-of-ingress',
      namespace: 'milvus',
      name: 'milvus-demo',
    },
  }
}
