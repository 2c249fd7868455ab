/**
 * The Deployment of the controller, which every real cluster has and the simulator does not need.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestEnvironment } from '../../testing/environment.ts'

const labels = { 'app.kubernetes.io/name': 'aws-load-balancer-controller' }
const container = {
  name: 'aws-load-balancer-controller',
  image: 'public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0',
}
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'aws-load-balancer-controller', namespace: 'kube-system' },
  spec: {
    replicas: 2,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [container] } },
  },
}

/** Creates it as the controller's chart would. */
export async function installController(environment: TestEnvironment): Promise<void> {
  const path = join(environment.directory, 'controller.json')
  await writeFile(path, JSON.stringify(deployment))
  await environment.kubectl('create', 'namespace', 'kube-system').catch(() => '')
  await environment.kubectl('create', '--namespace', 'kube-system', '-f', path)
}
