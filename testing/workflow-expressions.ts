/** Evaluates the expressions of a workflow, with GitHub's own parser and evaluator. */
import { data, Evaluator, Lexer, Parser } from '@actions/expressions'

/** The contexts by name, as plain values, and the result of each status function. */
export interface ExpressionScope {
  readonly contexts: Readonly<Record<string, unknown>>
  /** `success`, `failure` and `cancelled`; `always` is true. */
  readonly status: Readonly<Record<string, boolean>>
}

const toData = (value: unknown): data.ExpressionData =>
  JSON.parse(JSON.stringify(value ?? null), data.reviver) as data.ExpressionData

const fromData = (value: data.ExpressionData): unknown =>
  JSON.parse(JSON.stringify(value, data.replacer))

/** @param expression without `${{ }}` */
function evaluate(expression: string, { contexts, status }: ExpressionScope): data.ExpressionData {
  const functions = Object.entries({ always: true, ...status }).map(([name, result]) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(result),
  }))
  const tree = new Parser(
    new Lexer(expression).lex().tokens,
    Object.keys(contexts),
    functions,
  ).parse()
  const pairs = Object.entries(contexts).map(([key, value]) => ({ key, value: toData(value) }))
  return new Evaluator(
    tree,
    new data.Dictionary(...pairs),
    new Map(functions.map((definition) => [definition.name, definition])),
  ).evaluate()
}

const wholeExpression = /^\s*\$\{\{((?:(?!\}\}).)*)\}\}\s*$/s

/**
 * Evaluates a value of a workflow: texts, and those in lists and maps. A text that is one
 * expression becomes the value of that expression.
 */
export function evaluateValue(value: unknown, scope: ExpressionScope): unknown {
  if (Array.isArray(value)) return value.map((entry) => evaluateValue(entry, scope))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, evaluateValue(entry, scope)]),
    )
  if (typeof value !== 'string') return value
  const expression = wholeExpression.exec(value)?.[1]
  if (expression !== undefined) return fromData(evaluate(expression, scope))
  return value.replace(/\$\{\{(.*?)\}\}/gs, (_all, part: string) =>
    evaluate(part, scope).coerceString(),
  )
}

/** An action receives texts. */
export const formatInput = (value: unknown): string => toData(value).coerceString()

/**
 * Evaluates `if` of a job or a step. Without a status function in it, everything before must have
 * succeeded.
 */
export function evaluateCondition(condition: string | undefined, scope: ExpressionScope): boolean {
  if (condition === undefined) return scope.status['success'] === true
  const expression = wholeExpression.exec(condition)?.[1] ?? condition
  const hasStatusFunction = /\b(always|success|failure|cancelled)\(\)/.test(expression)
  if (!hasStatusFunction && scope.status['success'] !== true) return false
  const result = fromData(evaluate(expression, scope))
  return result !== null && result !== false && result !== '' && result !== 0
}
