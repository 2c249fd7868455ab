/** The next run completes an upgrade by Helm 3 that was killed or cancelled. */
import { defineRecoveryScenarios } from './release-recovery-tests.ts'

defineRecoveryScenarios(3)
