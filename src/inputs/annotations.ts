/** Parsers of the inputs annotations and tags. Pure. */
import { parseAttributes, truncateForError } from '../controller/annotation-validators.ts'
import { isAnnotationKey, validateAnnotations } from '../controller/annotations.ts'
import { validateTags } from '../controller/tags.ts'
import { InvalidInputError, quoteForError, summarize } from './invalid-input.ts'
import { findAttributeInput } from './load-balancer-attributes.ts'
import { parseTextMap } from './yaml.ts'

const attributesKey = 'alb.ingress.kubernetes.io/load-balancer-attributes'

/** @param rejected each as `KEY is "VALUE", which …` */
export const annotationsRejected = (rejected: readonly string[]): InvalidInputError =>
  new InvalidInputError(
    `contains values that the controller or ELB would reject: ${summarize(rejected)}.`,
    'Correct or remove these annotations.',
  )

/** Annotations that the controller and ELB accept. */
export function parseAnnotations(raw: string): Record<string, string> {
  const annotations = parseTextMap(raw)
  const invalidKey = Object.keys(annotations).find((key) => !isAnnotationKey(key))
  if (invalidKey !== undefined)
    throw new InvalidInputError(
      `contains ${quoteForError(invalidKey)}, which is not a valid annotation key.`,
      'Write one "prefix/name: \'value\'" per line.',
    )
  const rejected = validateAnnotations(annotations)
  if (rejected.length > 0) throw annotationsRejected(rejected)
  rejectReservedAttributes(annotations[attributesKey] ?? '')
  return annotations
}

function rejectReservedAttributes(attributes: string): void {
  for (const [key, value] of parseAttributes(attributes) ?? []) {
    const remedy = getRemedy(key, value)
    if (remedy !== undefined)
      throw new InvalidInputError(
        `contains the load balancer attribute ${key}=${truncateForError(value)}.`,
        remedy,
      )
  }
}

/** For an attribute that another input sets, or without which gRPC does not work. */
function getRemedy(attribute: string, value: string): string | undefined {
  const input = findAttributeInput(attribute)
  if (input !== undefined) return `Set input ${input} instead.`
  if (attribute === 'routing.http2.enabled' && value.toLowerCase() !== 'true')
    return 'Remove it: gRPC requires HTTP/2.'
  return undefined
}

/** Tags that AWS accepts. */
export function parseTags(raw: string): Record<string, string> {
  const tags = parseTextMap(raw)
  const rejected = validateTags(tags)
  if (rejected.length > 0)
    throw new InvalidInputError(`${summarize(rejected)}.`, 'Correct these tags.')
  return tags
}
