/** Annotations of the Ingress that input annotations must not set. */
import { inputNames, inputs } from './inputs.ts'

/** Each with what sets it. An annotation that another input stands for is set there. */
const reservedAnnotations: ReadonlyMap<string, string> = new Map([
  ['alb.ingress.kubernetes.io/backend-protocol-version', 'this action to GRPC'],
  ['alb.ingress.kubernetes.io/target-type', 'this action to ip'],
  ['alb.ingress.kubernetes.io/certificate-arn', 'inputs certificate and certificate-arn'],
  ['milvus-alb-action/reconcile-requested-at', 'this action'],
  ...inputNames.flatMap((name): [string, string][] => {
    const { annotation } = inputs[name]
    return annotation === undefined ? [] : [[annotation, `input ${name}`]]
  }),
])

/** The first annotation that is reserved, and what sets it. */
export function findReservedAnnotation(
  annotations: Readonly<Record<string, string>>,
): { readonly annotation: string; readonly owner: string } | undefined {
  for (const annotation of Object.keys(annotations)) {
    const owner = reservedAnnotations.get(annotation)
    if (owner !== undefined) return { annotation, owner }
  }
  return undefined
}
