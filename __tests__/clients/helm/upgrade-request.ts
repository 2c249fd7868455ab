/** The upgrade that the tests vary. */
import type { UpgradeOptions } from '../../../src/clients/helm/commands.ts'

export const upgradeRequest: UpgradeOptions = {
  release: 'milvus-demo',
  namespace: 'milvus',
  chart: '/runner/milvus-5.0.19.tgz',
  serviceType: 'ClusterIP',
  values: undefined,
  timeout: 600,
  kubeconfig: undefined,
  context: undefined,
  wait: true,
  forceConflicts: false,
}
