/** The permissions that scenarios remove from a role, one at a time. */
import type { TestEnvironment } from '../../testing/environment.ts'

/**
 * Selects the permissions to remove in a test environment: all in the simulator. In the lab, RBAC
 * is enforced by the API server itself, but IAM by the simulator's code before a call reaches moto,
 * so one action of a table represents the others there.
 */
export function selectRevocablePermissions<T extends { readonly permission: string }>(
  environment: TestEnvironment,
  table: readonly T[],
): readonly T[] {
  const first = table.find(({ permission }) => permission.includes(':'))
  return environment.name === 'simulator'
    ? table
    : table.filter((each) => each === first || !each.permission.includes(':'))
}
