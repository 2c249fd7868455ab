/** The parts of Kubernetes objects that the controller uses. */

/** Metadata of any object. */
export interface Metadata {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly deletionTimestamp?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly finalizers?: readonly string[]
}

/** Any object. */
export interface KubernetesObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: Metadata
}

/** A backend of networking.k8s.io/v1. */
export interface Backend {
  readonly service?: {
    readonly name: string
    readonly port: { readonly number?: number; readonly name?: string }
  }
}

/** networking.k8s.io/v1 Ingress. */
export interface Ingress extends KubernetesObject {
  readonly spec?: {
    readonly ingressClassName?: string
    readonly defaultBackend?: Backend
    readonly tls?: readonly { readonly hosts?: readonly string[] }[]
    readonly rules?: readonly {
      readonly host?: string
      readonly http?: {
        readonly paths: readonly {
          readonly path?: string
          readonly pathType: string
          readonly backend: Backend
        }[]
      }
    }[]
  }
  readonly status?: {
    readonly loadBalancer?: {
      readonly ingress?: readonly {
        readonly hostname?: string
        readonly ports?: readonly { readonly port: number }[]
      }[]
    }
  }
}

/** networking.k8s.io/v1 IngressClass. */
export interface IngressClass extends KubernetesObject {
  readonly spec?: {
    readonly controller?: string
    readonly parameters?: { readonly kind: string; readonly name: string }
  }
}

/** v1 Service. */
export interface Service extends KubernetesObject {
  readonly spec?: {
    readonly type?: string
    readonly ports?: readonly {
      readonly name?: string
      readonly port: number
      readonly targetPort?: number | string
      readonly nodePort?: number
    }[]
  }
}

/** discovery.k8s.io/v1 EndpointSlice. */
export interface EndpointSlice extends KubernetesObject {
  readonly ports?: readonly { readonly name?: string; readonly port?: number }[]
  readonly endpoints?: readonly {
    readonly addresses: readonly string[]
    readonly conditions?: { readonly ready?: boolean }
  }[]
}

/** `namespace/name`, or the name of an object without a namespace. */
export function getObjectKey({ metadata }: KubernetesObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`
}

/** The annotations of an Ingress. */
export function getAnnotations({ metadata }: Ingress): Readonly<Record<string, string>> {
  return metadata.annotations ?? {}
}
