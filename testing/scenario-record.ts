import { join } from 'node:path'
import { cacheDirectory } from './cli-tools.ts'

/**
 * The file in which a whole run of all scenarios in a world writes down which of them it defined
 * and which passed.
 */
export const scenarioRecordPath = (environmentName: 'simulator' | 'lab'): string =>
  join(cacheDirectory, `scenarios-${environmentName}.jsonl`)
