/** Label and field selectors. */
import { badRequest } from './status.ts'
import { at, isObject, type Json, type KubernetesObject } from './types.ts'

/** Whether an object is selected. */
export type Selects = (object: KubernetesObject) => boolean

/** What a query's `labelSelector` and `fieldSelector` select. */
export function selection(query: URLSearchParams): Selects {
  const labels = labelSelector(query.get('labelSelector') ?? '')
  const chosen = fieldSelector(query.get('fieldSelector') ?? '')
  return (object) => labels(object) && chosen(object)
}

/** `a=b,c!=d,e in (f,g),h,!i`. */
export function labelSelector(selector: string): Selects {
  const requirements = selector.split(/,(?![^(]*\))/).map((part) => part.trim()).filter((part) => part !== '').map(requirement)
  return (object) => requirements.every((holds) => holds(object.metadata.labels ?? {}))
}

function requirement(part: string): (labels: Record<string, string>) => boolean {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(part)
  if (set) {
    const [, key = '', operator, list = ''] = set
    const values = list.split(',').map((value) => value.trim())
    return (labels) => values.includes(labels[key] ?? '\0') === (operator === 'in')
  }
  const equal = /^([^!=\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(part)
  if (equal) {
    const [, key = '', operator, value] = equal
    return (labels) => (labels[key] === value) === (operator !== '!=')
  }
  const exists = /^(!?)\s*([^!=\s()]+)$/.exec(part)
  if (!exists) throw badRequest(`unable to parse requirement: ${part}`)
  const [, not, key = ''] = exists
  return (labels) => (labels[key] !== undefined) === (not === '')
}

/** `metadata.name=x,involvedObject.kind!=y`: any field, where the real API knows a few for each resource. */
export function fieldSelector(selector: string): Selects {
  const requirements = selector.split(',').filter((part) => part !== '').map((part) => {
    const parsed = /^([^!=]+)(==|=|!=)(.*)$/.exec(part)
    if (!parsed) throw badRequest(`invalid selector: '${part}'; can't understand '${part}'`)
    const [, path = '', operator, value = ''] = parsed
    return (object: KubernetesObject) => (written(at(object, ...path.split('.'))) === value) === (operator !== '!=')
  })
  return (object) => requirements.every((holds) => holds(object))
}

const written = (value: Json | undefined): string => (value === undefined || value === null || Array.isArray(value) || isObject(value) ? '' : String(value))
