/** Label and field selectors. */
import { badRequest } from './api-errors.ts'
import { getIn, isObject, type Json, type KubernetesObject } from './types.ts'

/** Whether an object is selected. */
export type ObjectPredicate = (object: KubernetesObject) => boolean

/** The `labelSelector` and `fieldSelector` of a query. */
export function parseSelectors(query: URLSearchParams): ObjectPredicate {
  const matchesLabels = parseLabelSelector(query.get('labelSelector') ?? '')
  const matchesFields = parseFieldSelector(query.get('fieldSelector') ?? '')
  return (object) => matchesLabels(object) && matchesFields(object)
}

/** Parses a label selector such as `a=b,c!=d,e in (f,g),h,!i`. */
export function parseLabelSelector(selector: string): ObjectPredicate {
  const requirements = selector
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== '')
    .map(parseRequirement)
  return (object) => requirements.every((matches) => matches(object.metadata.labels ?? {}))
}

function parseRequirement(term: string): (labels: Record<string, string>) => boolean {
  const setMatch = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(term)
  if (setMatch) {
    const [, key = '', operator, list = ''] = setMatch
    const values = list.split(',').map((value) => value.trim())
    return (labels) => values.includes(labels[key] ?? '\0') === (operator === 'in')
  }
  const equalityMatch = /^([^!=\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(term)
  if (equalityMatch) {
    const [, key = '', operator, value] = equalityMatch
    return (labels) => (labels[key] === value) === (operator !== '!=')
  }
  const existenceMatch = /^(!?)\s*([^!=\s()]+)$/.exec(term)
  if (!existenceMatch) throw badRequest(`unable to parse requirement: ${term}`)
  const [, negation, key = ''] = existenceMatch
  return (labels) => (labels[key] !== undefined) === (negation === '')
}

/**
 * Parses a field selector such as `metadata.name=x,involvedObject.kind!=y`. It accepts any field;
 * the real API supports only a few per resource.
 */
export function parseFieldSelector(selector: string): ObjectPredicate {
  const requirements = selector
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const parsed = /^([^!=]+)(==|=|!=)(.*)$/.exec(term)
      if (!parsed) throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`)
      const [, path = '', operator, value = ''] = parsed
      return (object: KubernetesObject) =>
        (formatScalar(getIn(object, ...path.split('.'))) === value) === (operator !== '!=')
    })
  return (object) => requirements.every((matches) => matches(object))
}

const formatScalar = (value: Json | undefined): string =>
  value === undefined || value === null || Array.isArray(value) || isObject(value)
    ? ''
    : String(value)
