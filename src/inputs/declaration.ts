/** What an input is. Settings, action.yml, README and the fleet's JSON schema follow from it. */

/** The values of input mode. */
export type Mode = 'deploy' | 'check' | 'destroy'

/**
 * Who sets an input in a fleet: each `target` in the targets file, the `job` for all of its targets
 * (what the run does, and the secrets of its environment), or nobody.
 */
export type FleetScope = 'target' | 'job' | 'none'

/** One input. */
export interface InputDeclaration<T = unknown> {
  /** The form of the value, for README. */
  readonly type: string
  /** The form of the value in a targets file. */
  readonly schemaType: 'scalar' | 'list' | 'map' | 'tree'
  /** @throws InvalidInputError */
  readonly parse: (raw: string) => T
  /** What the input does, as complete sentences in Markdown. */
  readonly description: string
  /** A value that the parser accepts, or an expression for a secret. */
  readonly example?: string
  /** The text that stands for an empty input. */
  readonly default?: string
  /** The value of an empty input that has no default; undefined if absent. */
  readonly emptyValue?: T
  /** What an empty input means, in Markdown, if that is not a text. */
  readonly defaultDescription?: string
  /** `true` if it must always be set; a text says when it may be empty. */
  readonly required?: true | string
  /** Whether each line of it is masked. */
  readonly secret?: true
  /** Whether its value may be a path: the content of a file is masked and rejected. */
  readonly isPath?: true
  /** Whether its value may contain PEM. */
  readonly allowsPem?: true
  /** The modes that read it; all if absent. Other modes ignore its value. */
  readonly modes?: readonly Mode[]
  /** `target` if absent. */
  readonly fleet?: FleetScope
  /** The annotation of the Ingress that it stands for: input annotations must not set it. */
  readonly annotation?: string
}

export type InputDeclarations = Readonly<Record<string, InputDeclaration>>

/** The value of an input in Settings. */
export type InputValue<D extends InputDeclaration> = D extends
  { readonly default: string } | { readonly emptyValue: unknown }
  ? ReturnType<D['parse']>
  : ReturnType<D['parse']> | undefined

/** `listen-port` as `listenPort`. */
type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S

/** The values of a group of inputs, by their names in camel case. */
export type InputValues<D extends InputDeclarations> = {
  readonly [K in keyof D & string as CamelCase<K>]: InputValue<D[K]>
}

/** Checks declarations, and keeps their exact types. */
export const defineInputs = <const D extends InputDeclarations>(declarations: D): D => declarations

/** `listen-port` as `listenPort`. */
export const toCamelCase = (name: string): string =>
  name.replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase())
