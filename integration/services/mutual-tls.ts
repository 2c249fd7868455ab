/**
 * Mutual TLS of listeners, which moto ignores: the proxy in front of it remembers what listeners do
 * with client certificates, and answers calls about trust stores itself.
 */
import { randomUUID } from 'node:crypto'
import {
  createTrustStore,
  describeTrustStores,
  parseMutualAuthentication,
  toMutualAuthenticationFields,
} from '../../simulator/aws/elbv2-mutual-tls.ts'
import { elbv2 } from '../../simulator/aws/elbv2.ts'
import { getString, type Fields } from '../../simulator/aws/fields.ts'
import { formatQueryResponse, parseForm, toXml } from '../../simulator/aws/query.ts'
import { AwsError } from '../../simulator/aws/service.ts'
import type { MutualAuthentication, TrustStore } from '../../simulator/aws/state.ts'
import type { HttpRequest } from '../../simulator/aws/signature.ts'
import { createErrorReply, replaceBody, type Reply } from './aws-replies.ts'
import type { AwsRequest } from './aws-requests.ts'
import type { Moto } from './moto.ts'

type Call = Pick<AwsRequest, 'service' | 'operation'>

export class MutualTls {
  private readonly account: { readonly account: string; readonly region: string }
  private readonly trustStores = new Map<string, TrustStore>()
  private readonly byListener = new Map<string, MutualAuthentication>()

  constructor({ account, region }: Moto) {
    this.account = { account, region }
  }

  createTrustStore(name: string, certificates: string): void {
    createTrustStore({ ...this.account, trustStores: this.trustStores }, name, certificates)
  }

  /** What a listener does with client certificates; undefined if it requests none. */
  find(listenerArn: string): MutualAuthentication | undefined {
    return this.byListener.get(listenerArn)
  }

  /** The reply to a call that moto does not get; undefined for others. */
  intercept(call: Call, { body }: HttpRequest): Reply | undefined {
    if (call.service !== 'elasticloadbalancing') return undefined
    const input = parseForm(new URLSearchParams(body.toString()))
    try {
      if (call.operation === 'DescribeTrustStores')
        return createReply(call.operation, describeTrustStores(input, this.trustStores))
      parseMutualAuthentication(input, this.trustStores)
      return undefined
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      return createErrorReply(call, error)
    }
  }

  /** Remembers what a successful call sets, and completes the listeners in moto's reply. */
  complete(call: Call, { body }: HttpRequest, reply: Reply): Reply {
    if (!/^(?:Create|Modify|Describe)Listeners?$/.test(call.operation)) return reply
    const input = parseForm(new URLSearchParams(body.toString()))
    const set = parseMutualAuthentication(input, this.trustStores)
    const arn = getString(input, 'ListenerArn') ?? listenerArn.exec(reply.body.toString())?.[1]
    if (set && arn !== undefined) this.byListener.set(arn, set)
    return replaceBody(
      reply,
      reply.body.toString().replace(new RegExp(listenerArn, 'g'), (element, each: string) => {
        const known = this.byListener.get(each)
        const fields = known && toMutualAuthenticationFields(known)
        return fields ? element + toXml({ MutualAuthentication: fields }) : element
      }),
    )
  }
}

const listenerArn = /<ListenerArn>([^<]*)<\/ListenerArn>/

function createReply(operation: string, output: Fields): Reply {
  const body = formatQueryResponse(operation, elbv2.namespace ?? '', output, randomUUID())
  return { status: 200, headers: { 'content-type': 'text/xml' }, body: Buffer.from(body) }
}
