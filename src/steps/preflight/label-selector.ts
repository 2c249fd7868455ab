/** Label selectors of Kubernetes. Source: meta/v1 LabelSelector. */
import type { LabelSelector } from '../../clients/kubernetes/types.ts'

type Operator = (value: string | undefined, values: readonly string[]) => boolean

const operators: Readonly<Record<string, Operator>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
}

/** Whether a selector selects an object with these labels; an unknown operator selects nothing. */
export function matchesSelector(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const hasLabels = Object.entries(matchLabels).every(([key, value]) => labels[key] === value)
  const meetsExpressions = matchExpressions.every(
    ({ key, operator, values = [] }) => operators[operator]?.(labels[key], values) ?? false,
  )
  return hasLabels && meetsExpressions
}
