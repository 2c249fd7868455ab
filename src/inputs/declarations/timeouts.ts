/** Inputs that limit how long a run waits. */
import { defineInputs } from '../declaration.ts'
import { duration } from '../input-types.ts'

const secondsPerDay = 86_400
const timeout = duration(1, secondsPerDay)

export const timeoutInputs = defineInputs({
  'release-timeout': {
    ...timeout,
    description:
      'How long Helm may take. A restarted Milvus proxy needs at least 90 seconds to become ready.',
    default: '10m',
  },
  'load-balancer-timeout': {
    ...timeout,
    description:
      'How long the controller and the ALB may take. If the controller rejects the Ingress, the ' +
      'run does not wait.',
    default: '20m',
  },
  'probe-timeout': {
    ...timeout,
    description: 'How long to retry transient probe failures.',
    default: '5m',
  },
  'lock-timeout': {
    ...timeout,
    description: 'How long to wait for another run in the same namespace.',
    example: '30m',
    defaultDescription: '`release-timeout` plus `load-balancer-timeout`',
  },
})
