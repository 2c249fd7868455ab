/** Inputs that say what a run does, and what it must not do. */
import { defineInputs } from '../declaration.ts'
import { boolean, choice } from '../input-types.ts'

export const runInputs = defineInputs({
  mode: {
    ...choice('deploy', 'check', 'destroy'),
    fleet: 'job',
    description:
      '`deploy` changes whatever differs from the inputs. `check` only reads, and reports what ' +
      'a deploy with the same inputs would change (output `drift`). It needs no `private-key`, ' +
      'and only a read-only role (docs/permissions.md). `destroy` removes only what this action ' +
      'created: the Ingress with its ALB, and the certificate if nothing else uses it. It needs ' +
      'neither `host` nor a certificate.',
    default: 'deploy',
  },
  'dry-run': {
    ...boolean,
    fleet: 'job',
    description:
      '`true` prints what the run would change, and changes nothing. With `mode: deploy` it ' +
      'needs no `private-key`, and only a read-only role (docs/permissions.md).',
    default: 'false',
  },
  'fail-on-drift': {
    ...boolean,
    fleet: 'job',
    description:
      'With `mode: check`: `true` fails the job if anything differs from the inputs or cannot ' +
      'be read, `false` only warns. A failed probe fails the job in both cases.',
    default: 'true',
  },
  cutover: {
    ...choice('first', 'last', 'never'),
    description:
      'When the Service becomes ClusterIP. `first`: before the ALB is created, as in the guide. ' +
      '`last`: after the probe of the ALB succeeded, so that clients of the old load balancer ' +
      'are served until then. `never`: the release and its Service stay as they are.',
    default: 'first',
  },
  'on-failure': {
    ...choice('keep', 'rollback'),
    description:
      'What a failed deploy does with its changes. `keep` leaves them, and the next run ' +
      'continues from there. `rollback` restores or removes the Ingress, rolls the release back ' +
      'to its last deployed revision, and deletes a new certificate. Before it changes anything, ' +
      'the run lists what cannot be rolled back.',
    default: 'keep',
  },
  'force-conflicts': {
    ...boolean,
    description:
      '`true` overwrites fields of the Ingress and of the objects of the release that others ' +
      'set to different values (replicas, an image, a ConfigMap that was edited by hand). ' +
      '`false` fails before any change and names them.',
    default: 'false',
  },
  summary: {
    ...boolean,
    fleet: 'none',
    description: '`true` writes a job summary.',
    default: 'true',
  },
})
