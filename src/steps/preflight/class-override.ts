/** A parameter of a class that overrides an input. Pure. */
import type { IngressClassParams } from '../../clients/kubernetes/types.ts'

export type ClassParamsSpec = NonNullable<IngressClassParams['spec']>

/** A parameter of a class that differs from an input. */
export interface Override {
  /**
   * `error`: the endpoint would not be the requested one; `warning`: the user set the input to
   * another value; `note`: the input has its default.
   */
  readonly severity: 'error' | 'warning' | 'note'
  /** A predicate of the parameters: `set scheme internal, which overrides scheme ...` */
  readonly text: string
}

/** A field of a class beside the input that it overrides. */
export interface FieldComparison {
  readonly severity: Override['severity']
  /** Field of the class. */
  readonly field: string
  readonly value: string | undefined
  /** Name of the input. */
  readonly input: string
  /** Empty when the input sets nothing. */
  readonly inputValue: string
}

/** @returns nothing when the class does not set the field, or sets it to the value of the input */
export function compareField({
  severity,
  field,
  value,
  input,
  inputValue,
}: FieldComparison): Override[] {
  if (value === undefined || value === '' || value === inputValue) return []
  const overridden = inputValue === '' ? input : `${input} ${inputValue}`
  return [{ severity, text: `set ${field} ${value}, which overrides ${overridden}` }]
}
