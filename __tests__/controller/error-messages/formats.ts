/**
 * What the controller's messages have in common. The cases beside this module are messages of
 * controller v3.5.0, and of older ones where they differ, as observed or as in its source.
 */

/** A failure event that ends the run. */
export interface PermanentFailure {
  readonly name: string
  readonly reason: string
  readonly message: string
  readonly remedy: RegExp
}

export const arn = 'arn:aws:acm:us-east-2:111122223333:certificate/x'

export const buildPrefix = 'Failed build model due to '
export const ingressPrefix = `${buildPrefix}ingress: milvus/milvus-demo: `
export const subnetPrefix = `${buildPrefix}couldn't auto-discover subnets: `
export const groupPrefix = 'failed load groupID due to invalid ingress group: '
export const classPrefix = 'failed load groupID due to invalid ingress class: '

export const formatElbError = (operation: string, status: number, detail: string): string =>
  `Failed deploy model due to operation error Elastic Load Balancing v2: ${operation}, https response error StatusCode: ${status}, RequestID: 3f2a1b-77, ${detail}`

export const formatEc2Error = (operation: string, status: number, detail: string): string =>
  `operation error EC2: ${operation}, https response error StatusCode: ${status}, RequestID: 1, ${detail}`
