import { join } from 'node:path'
import { cacheDirectory } from './cli-tools.ts'

/**
 * The file in which a full run of all scenarios in an environment records which scenarios it
 * defined and which passed.
 */
export const scenarioRecordPath = (environmentName: 'simulator' | 'lab'): string =>
  join(cacheDirectory, `scenarios-${environmentName}.jsonl`)
