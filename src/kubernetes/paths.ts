/** Where things are in the Kubernetes API. */

const core = (namespace: string) => `/api/v1/namespaces/${namespace}`

export const namespacePath = core
export const servicesPath = (namespace: string): string => `${core(namespace)}/services`
export const servicePath = (namespace: string, name: string): string => `${servicesPath(namespace)}/${name}`
export const secretsPath = (namespace: string): string => `${core(namespace)}/secrets`
export const configMapsPath = (namespace: string): string => `${core(namespace)}/configmaps`
export const eventsPath = (namespace: string): string => `${core(namespace)}/events`
export const ingressesPath = (namespace: string): string => `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`
export const ingressPath = (namespace: string, name: string): string => `${ingressesPath(namespace)}/${name}`
export const ingressClassPath = (name: string): string => `/apis/networking.k8s.io/v1/ingressclasses/${name}`
