/** Writes Events about Ingresses like the real controller. */
import { randomBytes } from 'node:crypto'
import { ApiError, type MinimalKubernetesClient } from '../../testing/kubernetes-client.ts'
import { EventCorrelator } from './event-correlator.ts'
import type { Ingress } from './objects.ts'

/**
 * The reasons of Events, with the start of their messages (pkg/k8s/events.go, group_controller.go).
 */
export const MESSAGE_PREFIXES = {
  SuccessfullyReconciled: 'Successfully reconciled',
  FailedLoadGroupID: 'failed load groupID due to ',
  FailedAddFinalizer: 'Failed add finalizer due to ',
  FailedBuildModel: 'Failed build model due to ',
  FailedDeployModel: 'Failed deploy model due to ',
  FailedUpdateStatus: 'Failed update status due to ',
  FailedRemoveFinalizer: 'Failed remove finalizer due to ',
} as const

/** The reason of an Event. */
export type Reason = keyof typeof MESSAGE_PREFIXES

/** Writes events one at a time, in order. */
export class EventRecorder {
  private readonly client: MinimalKubernetesClient
  private readonly correlator = new EventCorrelator()
  private readonly eventNames = new Map<string, string>()
  private lastWrite: Promise<void> = Promise.resolve()

  private readonly shouldDrop: () => boolean

  /** @param shouldDrop whether to drop events at the moment */
  constructor(client: MinimalKubernetesClient, shouldDrop: () => boolean = () => false) {
    this.client = client
    this.shouldDrop = shouldDrop
  }

  /** Records an event. `cause` is appended to the message. */
  record(ingress: Ingress, reason: Reason, cause = ''): void {
    if (this.shouldDrop()) return
    this.lastWrite = this.lastWrite
      .then(() => this.write(ingress, reason, MESSAGE_PREFIXES[reason] + cause))
      .catch(() => undefined)
  }

  /** Resolves when all recorded events are written. */
  flush(): Promise<void> {
    return this.lastWrite
  }

  private async write(ingress: Ingress, reason: Reason, eventMessage: string): Promise<void> {
    const { name, namespace = '', uid = '', resourceVersion } = ingress.metadata
    const type = reason === 'SuccessfullyReconciled' ? 'Normal' : 'Warning'
    const update = this.correlator.correlate(
      { uid, type, reason, message: eventMessage },
      Date.now(),
    )
    if (!update) return
    const path = `/api/v1/namespaces/${namespace}/events`
    const { key, count, message } = update
    const lastTimestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const existingName = this.eventNames.get(key)
    if (
      existingName !== undefined &&
      (await this.updateCount(`${path}/${existingName}`, { count, lastTimestamp, message }))
    )
      return
    const eventName = `${name}.${randomBytes(8).toString('hex')}`
    this.eventNames.set(key, eventName)
    await this.client.create(path, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName, namespace },
      involvedObject: {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        namespace,
        name,
        uid,
        resourceVersion,
      },
      type,
      reason,
      message,
      count,
      lastTimestamp,
      firstTimestamp: lastTimestamp,
      source: { component: 'ingress' },
      reportingComponent: 'ingress',
      reportingInstance: '',
    })
  }

  /** Updates the count of an Event. Returns false when it no longer exists: Events expire. */
  private async updateCount(
    path: string,
    fields: { count: number; lastTimestamp: string; message: string },
  ): Promise<boolean> {
    try {
      await this.client.patch(path, fields, 'strategic')
      return true
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false
      throw error
    }
  }
}
