/**
 * Writes Events about Ingresses as the controller does: source.component `ingress`, times in whole seconds.
 */
import { randomBytes } from 'node:crypto'
import type { KubernetesClient } from './api.ts'
import { ApiError } from './api.ts'
import { Correlator } from './correlator.ts'
import type { Ingress } from './objects.ts'

/** The reasons on an Ingress, with what their messages begin with (pkg/k8s/events.go, group_controller.go). */
export const REASONS = {
  SuccessfullyReconciled: 'Successfully reconciled',
  FailedLoadGroupID: 'failed load groupID due to ',
  FailedAddFinalizer: 'Failed add finalizer due to ',
  FailedBuildModel: 'Failed build model due to ',
  FailedDeployModel: 'Failed deploy model due to ',
  FailedUpdateStatus: 'Failed update status due to ',
  FailedRemoveFinalizer: 'Failed remove finalizer due to ',
} as const

/** One of them. */
export type Reason = keyof typeof REASONS

/** Records events one after the other, in the order that they happened. */
export class Recorder {
  private readonly client: KubernetesClient
  private readonly correlator = new Correlator()
  private readonly names = new Map<string, string>()
  private last: Promise<void> = Promise.resolve()

  private readonly dropped: () => boolean

  /** @param dropped whether what it is told now is dropped */
  constructor(client: KubernetesClient, dropped: () => boolean = () => false) {
    this.client = client
    this.dropped = dropped
  }

  /** Tells that something happened to an Ingress; `cause` ends the message. */
  record(ingress: Ingress, reason: Reason, cause = ''): void {
    if (this.dropped()) return
    this.last = this.last.then(() => this.write(ingress, reason, REASONS[reason] + cause)).catch(() => undefined)
  }

  /** Settles when all that was recorded is written. */
  settled(): Promise<void> {
    return this.last
  }

  private async write(ingress: Ingress, reason: Reason, text: string): Promise<void> {
    const { name, namespace = '', uid = '', resourceVersion } = ingress.metadata
    const type = reason === 'SuccessfullyReconciled' ? 'Normal' : 'Warning'
    const observed = this.correlator.observe({ uid, type, reason, message: text }, Date.now())
    if (!observed) return
    const path = `/api/v1/namespaces/${namespace}/events`
    const { key, count, message } = observed
    const lastTimestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const known = this.names.get(key)
    if (known !== undefined && (await this.repeat(`${path}/${known}`, { count, lastTimestamp, message }))) return
    const event = `${name}.${randomBytes(8).toString('hex')}`
    this.names.set(key, event)
    await this.client.create(path, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: event, namespace },
      involvedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace, name, uid, resourceVersion },
      type, reason, message, count, lastTimestamp,
      firstTimestamp: lastTimestamp,
      source: { component: 'ingress' },
      reportingComponent: 'ingress',
      reportingInstance: '',
    })
  }

  /** Counts one more of an event; false when it is gone, for events live an hour. */
  private async repeat(path: string, change: { count: number; lastTimestamp: string; message: string }): Promise<boolean> {
    try {
      await this.client.patch(path, change, 'strategic')
      return true
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false
      throw error
    }
  }
}
