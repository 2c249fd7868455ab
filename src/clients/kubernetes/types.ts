/**
 * The parts of Kubernetes objects that this action reads, in JSON form (dates are strings). Source:
 * the Kubernetes API reference.
 */

/** The metadata of any object. */
export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly uid: string
  readonly resourceVersion: string
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
  readonly managedFields?: readonly ManagedFieldsEntry[]
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string }[]
}

/** The fields that one manager owns. `fieldsV1` is a tree of `f:name`, `k:{...}` and `.`. */
export interface ManagedFieldsEntry {
  readonly apiVersion?: string
  readonly fieldsType?: string
  readonly time?: string
  readonly manager?: string
  readonly operation?: 'Apply' | 'Update'
  readonly subresource?: string
  readonly fieldsV1?: FieldsV1
}

/** A tree of field names. */
export interface FieldsV1 {
  readonly [field: string]: FieldsV1
}

/** Any object, when only its metadata matters. */
export interface KubernetesObject {
  readonly metadata: ObjectMeta
}

/** core/v1 Service. */
export interface Service extends KubernetesObject {
  readonly spec: {
    readonly type?: string
    readonly loadBalancerClass?: string
    readonly externalName?: string
    /** `IPv4`, `IPv6` */
    readonly ipFamilies?: readonly string[]
    readonly selector?: Readonly<Record<string, string>>
    readonly ports?: readonly {
      readonly name?: string
      readonly port: number
      readonly protocol?: string
      readonly appProtocol?: string
      /** Name or number of the port of the pods. */
      readonly targetPort?: number | string
    }[]
  }
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly hostname?: string }[] }
  }
}

/** core/v1 Secret or ConfigMap. */
export interface SecretOrConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>
}

/** coordination.k8s.io/v1 Lease. Times are MicroTime: RFC 3339 with six digits of a second. */
export interface Lease extends KubernetesObject {
  readonly spec: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

/** networking.k8s.io/v1 IngressClass. */
export interface IngressClass extends KubernetesObject {
  readonly spec: {
    readonly controller?: string
    readonly parameters?: {
      readonly apiGroup?: string
      readonly kind: string
      readonly name: string
    }
  }
}

/**
 * IngressClassParams: settings of a class that override the annotations of all its Ingresses, in
 * elbv2.k8s.aws/v1beta1, and in eks.amazonaws.com/v1, where two fields have other names. Source:
 * apis/elbv2/v1beta1/ingressclassparams_types.go of the controller; EKS user guide,
 * auto-configure-alb.
 */
export interface IngressClassParams extends KubernetesObject {
  readonly spec?: {
    readonly scheme?: string
    readonly group?: { readonly name?: string }
    readonly targetType?: string
    readonly certificateArn?: readonly string[]
    readonly certificateARNs?: readonly string[]
    readonly namespaceSelector?: LabelSelector
    readonly inboundCIDRs?: readonly string[]
    readonly prefixListsIDs?: readonly string[]
    /** The same field in v2.13 of the controller. */
    readonly PrefixListsIDs?: readonly string[]
    readonly ipAddressType?: string
    readonly wafv2AclArn?: string
    readonly wafv2AclName?: string
    readonly listeners?: readonly {
      readonly protocol?: string
      readonly port?: number
      readonly listenerAttributes?: readonly { readonly key: string; readonly value: string }[]
    }[]
    readonly minimumLoadBalancerCapacity?: { readonly capacityUnits?: number }
    readonly ipamConfiguration?: { readonly ipv4IPAMPoolId?: string }
    readonly sslPolicy?: string
    readonly sslRedirectPort?: string
    readonly loadBalancerName?: string
    readonly subnets?: {
      readonly ids?: readonly string[]
      readonly tags?: Readonly<Record<string, readonly string[]>>
      readonly matchTags?: readonly { readonly key: string; readonly values?: readonly string[] }[]
    }
    readonly loadBalancerAttributes?: readonly { readonly key: string; readonly value: string }[]
    readonly tags?: readonly { readonly key: string; readonly value: string }[]
  }
}

/** TargetGroupBinding, in elbv2.k8s.aws/v1beta1 and eks.amazonaws.com/v1. */
export interface TargetGroupBinding extends KubernetesObject {
  readonly spec: { readonly serviceRef: { readonly name: string } }
}

/** meta/v1 LabelSelector. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

/** apps/v1 Deployment. */
export interface Deployment extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly image?: string
          readonly command?: readonly string[]
          readonly args?: readonly string[]
        }[]
      }
    }
  }
  readonly status?: { readonly readyReplicas?: number }
}

/** apps/v1 Deployment, StatefulSet or DaemonSet: the numbers of its pods. */
export interface LiveWorkload extends KubernetesObject {
  readonly spec: { readonly replicas?: number }
  readonly status?: {
    readonly readyReplicas?: number
    readonly desiredNumberScheduled?: number
    readonly numberReady?: number
  }
}

/** autoscaling/v2 HorizontalPodAutoscaler. */
export interface HorizontalPodAutoscaler extends KubernetesObject {
  readonly spec: { readonly scaleTargetRef: { readonly kind: string; readonly name: string } }
}

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSlice extends KubernetesObject {
  readonly endpoints?:
    | readonly {
        readonly addresses: readonly string[]
        readonly conditions?: { readonly ready?: boolean | null }
      }[]
    | null
}

/** networking.k8s.io/v1 Ingress. */
export interface Ingress extends KubernetesObject {
  readonly spec: IngressSpec
  readonly status?: {
    readonly loadBalancer?: { readonly ingress?: readonly { readonly hostname?: string }[] }
  }
}

/** Where an Ingress forwards to. */
export interface IngressBackend {
  readonly service?: {
    readonly name: string
    readonly port?: { readonly number?: number; readonly name?: string }
  }
  /** An object of another kind. */
  readonly resource?: { readonly kind: string; readonly name: string }
}

/** A path of an Ingress rule. */
export interface IngressPath {
  readonly path?: string
  readonly pathType: string
  readonly backend: IngressBackend
}

/** The spec of an Ingress. */
export interface IngressSpec {
  readonly ingressClassName?: string
  /** For requests that no rule matches. */
  readonly defaultBackend?: IngressBackend
  readonly rules?: readonly {
    readonly host?: string
    readonly http?: { readonly paths: readonly IngressPath[] }
  }[]
}

/** core/v1 Event. An event written through events.k8s.io has `series` instead of `count`. */
export interface Event extends KubernetesObject {
  readonly type?: string
  readonly reason?: string
  readonly message?: string
  readonly count?: number
  /** Absent until the event is repeated. */
  readonly series?: { readonly count?: number }
  readonly involvedObject: {
    readonly kind?: string
    readonly uid?: string
    readonly namespace?: string
    readonly name?: string
    /** The version of the object when the event occurred first. */
    readonly resourceVersion?: string
  }
}
