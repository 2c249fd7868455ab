/** Failures of input subnets. */
import { ActionError } from './action-error.ts'

const subnetsUnsuitable = (problem: string): ActionError =>
  new ActionError({
    code: 'subnets-unsuitable',
    problem,
    remedy:
      "Set subnets to ids or Name tags of subnets in the cluster's VPC: one per zone, in at least two zones.",
  })

/** @param name as in the input: an id or a Name tag */
export const subnetNotFound = (name: string): ActionError =>
  subnetsUnsuitable(
    `Input subnets contains ${name}, which is ${name.startsWith('subnet-') ? 'not the id' : 'neither the id nor the Name tag'} of a subnet in the cluster's VPC.`,
  )

/** @param mentions how often the input contains the name, which fewer subnets have */
export const subnetRepeated = (name: string, mentions: number, count: number): ActionError =>
  subnetsUnsuitable(
    `Input subnets contains ${name} ${mentions} times, but ${count === 1 ? 'only one subnet has' : `only ${count} subnets have`} that id or Name tag.`,
  )

/** @param ids of the two subnets */
export const subnetsInOneZone = (ids: readonly [string, string], zone: string): ActionError =>
  subnetsUnsuitable(
    `Input subnets contains ${ids[0]} and ${ids[1]}, both in zone ${zone}, but an ALB uses one subnet per zone.`,
  )
