/**
 * All inputs of the action, by their names. Settings, action.yml, README, the fleet's JSON schema
 * and the reusable workflows follow from their declarations.
 */
import type {
  FleetScope,
  InputDeclaration,
  InputDeclarations,
  InputValue,
  Mode,
} from './declaration.ts'
import { clusterInputs } from './declarations/cluster.ts'
import { endpointInputs } from './declarations/endpoint.ts'
import { ingressInputs, loadBalancerInputs } from './declarations/load-balancer.ts'
import { probeInputs } from './declarations/probe.ts'
import { releaseInputs } from './declarations/release.ts'
import { removalInputs } from './declarations/removal.ts'
import { runInputs } from './declarations/run.ts'
import { timeoutInputs } from './declarations/timeouts.ts'

/** The headings of README, the most used first. */
export const inputGroups: readonly {
  readonly title: string
  readonly inputs: InputDeclarations
}[] = [
  { title: 'Cluster and Milvus', inputs: clusterInputs },
  { title: 'Host and certificate', inputs: endpointInputs },
  { title: 'What a run does', inputs: runInputs },
  { title: 'Load balancer and Ingress', inputs: { ...loadBalancerInputs, ...ingressInputs } },
  { title: 'Probe', inputs: probeInputs },
  { title: 'Helm release', inputs: releaseInputs },
  { title: 'Timeouts', inputs: timeoutInputs },
  { title: 'Removal', inputs: removalInputs },
]

const declarations = {
  ...clusterInputs,
  ...endpointInputs,
  ...runInputs,
  ...loadBalancerInputs,
  ...ingressInputs,
  ...probeInputs,
  ...releaseInputs,
  ...timeoutInputs,
  ...removalInputs,
}

export type InputName = keyof typeof declarations

/** The values of all inputs, by their names. */
export type AllInputValues = {
  readonly [N in InputName]: InputValue<(typeof declarations)[N]>
}

/** All inputs, by their names. */
export const inputs: Readonly<Record<InputName, InputDeclaration>> = declarations

export const inputNames = Object.keys(declarations) as readonly InputName[]

/**
 * The text that an empty input stands for. action.yml's own default does not apply if a reusable
 * workflow passes an empty input.
 */
export const inputDefaults = Object.fromEntries(
  inputNames.map((name) => [name, inputs[name].default ?? '']),
) as Readonly<Record<InputName, string>>

/**
 * Inputs that are masked line by line. The lines of Helm values are common words, which would drop
 * outputs: main only redacts what a key of them calls a password, a secret, a token or a key.
 */
export const secretInputs = inputNames.filter((name) => inputs[name].secret)

/** Inputs that may be paths, and are sometimes given the content of the file. */
export const pathInputs = inputNames.filter((name) => inputs[name].isPath)

/** Whether a mode reads an input. */
export const isReadInMode = (name: InputName, mode: Mode): boolean =>
  inputs[name].modes?.includes(mode) ?? true

/** The inputs that are set in one place in a fleet. */
export const inputsOfFleetScope = (scope: FleetScope): readonly InputName[] =>
  inputNames.filter((name) => (inputs[name].fleet ?? 'target') === scope)
