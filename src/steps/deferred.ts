/**
 * A value in an operation that may be known only after an earlier operation, like the ARN of a
 * certificate that is still to be imported. Terraform shows such a value as "(known after apply)".
 */
export type Deferred<T> =
  | { readonly known: true; readonly value: T }
  /** `placeholder` is what people read in its place. */
  | { readonly known: false; readonly placeholder: string }

export const known = <T>(value: T): Deferred<T> => ({ known: true, value })

export const knownLater = (placeholder: string): Deferred<never> => ({ known: false, placeholder })
