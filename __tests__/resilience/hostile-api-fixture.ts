/** A deployment whose Kubernetes API and AWS send the responses of a test. */
import type { ServerResponse } from 'node:http'
import type { Simulator } from '../../simulator/simulator.ts'
import { startDeployedSimulator } from './deployed-simulator.ts'
import type { Fault } from '../../testing/fault-injector.ts'
import { flood } from './hostile-server.ts'

export let simulator: Simulator
const removeFaults: (() => void)[] = []

export const injectFault = (fault: Fault): void =>
  void removeFaults.push(simulator.faults.inject({ userAgent: /milvus-alb-action/, ...fault }))

export async function startFixture(): Promise<void> {
  simulator = await startDeployedSimulator()
}

export const removeAllFaults = (): void =>
  removeFaults.splice(0).forEach((removeFault) => removeFault())
export const stopFixture = (): Promise<void> => simulator.close()

export const megabyte = Buffer.alloc(1024 * 1024, ' ')
export const gigabyte = 1024 * 1024 * 1024

export const sendJson = (response: ServerResponse, largeText: string): void =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(largeText)

export const startJsonResponse = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'application/json' })

/** A Service in JSON. */
export const formatService = (name: string): string =>
  JSON.stringify({
    metadata: { name, uid: name, resourceVersion: '1' },
    spec: { ports: [{ name: 'milvus', port: 19530 }] },
  })

export const sendEndlessHeaders = ({ socket }: ServerResponse): void => {
  socket?.write('HTTP/1.1 200 OK\r\n')
  if (socket) flood(socket, 'x: y\r\n'.repeat(1000))
}

let pageNumber = 0
/** A token that no earlier page had. */
export const nextPageToken = (): string => `page-${pageNumber++}`

/** A page whose token always names another page. */
export const sendEndlessList = (response: ServerResponse): void =>
  sendJson(
    response,
    `{"metadata":{"continue":"${nextPageToken()}"},"items":[${formatService(`service-${pageNumber}`)}]}`,
  )

export interface HostileCase {
  readonly name: string
  readonly respond: (response: ServerResponse) => void
  /** `success`, or the failure code. */
  readonly outcome: string
  /** Matches the message of the run. */
  readonly messagePattern: RegExp
  readonly deadlineSeconds?: number
}
