/** Failures of the certificate inputs that concern more than one of them. */
import { ActionError } from './action-error.ts'

/** Each of the two inputs contains what belongs in the other. */
export const certificateAndKeySwapped = (): ActionError =>
  new ActionError({
    code: 'certificate-unreadable',
    problem: 'Inputs certificate and private-key are swapped.',
    remedy: 'Exchange the two values.',
  })
