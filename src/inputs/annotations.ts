/** Parsers of the inputs annotations and tags. Pure. */
import { isAnnotationKey, validateAnnotations } from '../controller/annotations.ts'
import { validateTags } from '../controller/tags.ts'
import { InvalidInputError, quoteForError, summarize } from './invalid-input.ts'
import { stringMap } from './yaml.ts'

const attributesKey = 'alb.ingress.kubernetes.io/load-balancer-attributes'

/** Load balancer attributes that an input sets, or without which gRPC does not work. */
const reservedAttributes: readonly { readonly pattern: RegExp; readonly remedy: string }[] = [
  { pattern: /idle_timeout\.timeout_seconds/, remedy: 'Set input idle-timeout instead.' },
  { pattern: /routing\.http2\.enabled=false/, remedy: 'Remove it: gRPC requires HTTP/2.' },
]

/** Annotations that the controller and ELB accept. */
export function parseAnnotations(raw: string): Record<string, string> {
  const annotations = stringMap(raw)
  const invalidKey = Object.keys(annotations).find((key) => !isAnnotationKey(key))
  if (invalidKey !== undefined)
    throw new InvalidInputError(
      `contains ${quoteForError(invalidKey)}, which is not a valid annotation key.`,
      'Write one "prefix/name: \'value\'" per line.',
    )
  const rejected = validateAnnotations(annotations)
  if (rejected.length > 0)
    throw new InvalidInputError(
      `contains values that the controller or ELB would reject: ${summarize(rejected)}.`,
      'Correct or remove these annotations.',
    )
  rejectReservedAttributes(annotations[attributesKey] ?? '')
  return annotations
}

function rejectReservedAttributes(attributes: string): void {
  for (const { pattern, remedy } of reservedAttributes) {
    const [attribute] = pattern.exec(attributes) ?? []
    if (attribute !== undefined)
      throw new InvalidInputError(`contains the load balancer attribute ${attribute}.`, remedy)
  }
}

/** Tags that AWS accepts. */
export function parseTags(raw: string): Record<string, string> {
  const tags = stringMap(raw)
  const rejected = validateTags(tags)
  if (rejected.length > 0)
    throw new InvalidInputError(`${summarize(rejected)}.`, 'Correct these tags.')
  return tags
}
