/** A deployment in whose objects and responses a test plants a text. */
import type { Simulator } from '../../simulator/simulator.ts'
import { startDeployedSimulator } from './deployed-simulator.ts'
import { startHostileServer, type HostileServer } from './hostile-server.ts'

export type Inputs = Readonly<Record<string, string>>

export let simulator: Simulator
export let hostileServer: HostileServer

export async function startFixture(): Promise<void> {
  simulator = await startDeployedSimulator()
  hostileServer = await startHostileServer(simulator.listenPort, simulator.certificate)
}

export async function stopFixture(): Promise<void> {
  await hostileServer.close()
  await simulator.close()
}

export interface Injection {
  readonly inputs?: Inputs
  readonly cleanUp?: () => void | Promise<void>
}

/**
 * Annotates an object as another user.
 * @returns a function that reverts it
 */
export function addAnnotation(
  kind: string,
  name: string,
  annotation: string,
  value: string,
): () => void {
  const setAnnotations = (
    change: (annotations: Record<string, string>) => Record<string, string>,
  ): Record<string, string> => {
    const object = simulator.kubernetes.get(kind, simulator.namespace, name)
    if (!object) throw new Error(`there is no ${kind} ${name}`)
    const { annotations = {} } = object.metadata
    simulator.kubernetes.replace(
      { ...object, metadata: { ...object.metadata, annotations: change(annotations) } },
      'kubectl',
    )
    return annotations
  }
  const before = setAnnotations((annotations) => ({ ...annotations, [annotation]: value }))
  return () => void setAnnotations(() => before)
}

/** The controller rejects whatever the action applies next. */
export function rejectNextApply(text: string): () => void {
  simulator.controller.options.isPaused = true
  let isRejected = false
  const stopObserving = simulator.requestLog.observe({
    answered: ({ operation, userAgent }) => {
      if (
        isRejected ||
        !/^PATCH .*\/ingresses\//.test(operation) ||
        !userAgent.includes('milvus-alb-action')
      )
        return
      isRejected = true
      const { uid = '' } =
        simulator.kubernetes.get('Ingress', simulator.namespace, 'milvus-demo')?.metadata ?? {}
      const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
      simulator.kubernetes.create({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `hostile-${Date.now()}`, namespace: simulator.namespace },
        type: 'Warning',
        reason: 'FailedDeployModel',
        message: `Failed deploy model due to ${text}`,
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
        involvedObject: {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'Ingress',
          namespace: simulator.namespace,
          name: 'milvus-demo',
          uid,
        },
        source: { component: 'ingress' },
        reportingComponent: 'ingress',
        reportingInstance: '',
      })
    },
  })
  return () => {
    stopObserving()
    simulator.controller.options.isPaused = false
  }
}

/** Responds in place of the ALB. */
export async function serveFromAlb(
  onCall: NonNullable<Parameters<HostileServer['setBehavior']>[0]['onCall']>,
): Promise<Injection> {
  hostileServer.setBehavior({ onCall })
  await simulator.setDnsRecords({ '*.elb.amazonaws.com': hostileServer.address })
  return {
    inputs: { 'probe-timeout': '1s' },
    cleanUp: () =>
      simulator.setDnsRecords({
        '*.elb.amazonaws.com': simulator.albAddress,
        [simulator.host]: simulator.albAddress,
      }),
  }
}
