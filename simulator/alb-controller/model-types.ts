/** The model of a group: the AWS resources that its Ingresses describe. */
import type { MutualAuthenticationAttributes } from '@aws-sdk/client-elastic-load-balancing-v2'
import type { TrustStoreArns } from './mutual-authentication.ts'
import type { IngressGroupId } from './naming.ts'
import type { Ingress, Service } from './objects.ts'
import type { TargetGroupModel } from './target-group.ts'

/** What a rule does with requests. `targetGroup` is the resource of a target group of the model. */
export type ActionModel =
  | { readonly kind: 'forward'; readonly targetGroup: string }
  | { readonly kind: 'fixed-response'; readonly status: string; readonly body: string }
  | { readonly kind: 'redirect'; readonly port: string }

/** A rule. Its priority is its position in the list. */
export interface RuleModel {
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly action: ActionModel
}

/** A listener of the load balancer. */
export interface ListenerModel {
  readonly port: number
  readonly protocol: string
  readonly sslPolicy: string | undefined
  /** The first one is the default certificate. */
  readonly certificateArns: readonly string[]
  /** Undefined leaves it unchanged. */
  readonly mutualAuthentication: MutualAuthenticationAttributes | undefined
  readonly defaultAction: ActionModel
  readonly rules: readonly RuleModel[]
}

/** The desired AWS resources of a group. */
export interface Model {
  readonly group: IngressGroupId
  readonly loadBalancer: {
    readonly name: string
    readonly scheme: 'internal' | 'internet-facing'
    readonly attributes: Readonly<Record<string, string>>
    readonly subnets: readonly string[]
    readonly securityGroups: readonly string[]
    readonly tags: Readonly<Record<string, string>>
  }
  readonly listeners: readonly ListenerModel[]
  readonly targetGroups: readonly TargetGroupModel[]
}

/** A certificate in ACM with its domain names. */
export interface DiscoveredCertificate {
  readonly arn: string
  readonly names: readonly string[]
}

/** The input of buildModel. */
export interface BuildInput {
  readonly cluster: string
  readonly group: IngressGroupId
  /** In the order of the group, after IngressClassParams are applied. */
  readonly members: readonly Ingress[]
  readonly findService: (namespace: string, name: string) => Service | undefined
  /** The certificates in ACM, if discovery is needed. */
  readonly certificates: readonly DiscoveredCertificate[]
  /** Of the trust stores that the members name. */
  readonly trustStoreArns?: TrustStoreArns
  /** Subnets and security groups that do not exist in EC2. All others do. */
  readonly unknownIds?: readonly string[]
  readonly requestId?: string
}
