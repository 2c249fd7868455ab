/**
 * The workflows of the demo, by name. Each starts with a Milvus that Helm installed behind a
 * LoadBalancer Service.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  ContinuousClient,
  startClientThroughAlb,
  nextHelmServiceUpdate,
} from '../../testing/continuous-client.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  assert,
  runMainAction,
  runFleetAction,
  printHeading,
  printOutputs,
  printSummary,
  stopAndPrintCalls,
  exerciseMilvus,
} from './fixture.ts'

/** The first deployment, a client of it, and a second run that changes nothing. */
async function deploy(testEnvironment: TestEnvironment): Promise<void> {
  const token = await testEnvironment.enableAuthorization()
  printHeading('The action, as a runner would run it')
  const firstRun = await runMainAction(testEnvironment, { 'milvus-token': token })
  printHeading('Its outputs')
  printOutputs(firstRun)
  printSummary(firstRun)
  printHeading('The official Node SDK at the address from the output')
  await exerciseMilvus(testEnvironment, firstRun.outputs['alb-address'] ?? '', token)
  printHeading('The action again')
  const secondRun = await runMainAction(testEnvironment, { 'milvus-token': token })
  assert(
    secondRun.outputs['changed'] === 'false',
    `the second run changed something: ${secondRun.outputs['changes'] ?? ''}`,
  )
  printHeading(`Nothing changed, in ${(secondRun.durationMs / 1000).toFixed(2)} s`)
}

/** A deployment is changed by hand; a check finds the drift, and a deploy repairs it. */
async function check(testEnvironment: TestEnvironment): Promise<void> {
  const tokenInput = { 'milvus-token': await testEnvironment.enableAuthorization() }
  printHeading('After the deployment, the Ingress is changed by hand')
  await runMainAction(testEnvironment, tokenInput)
  await testEnvironment.kubectl(
    'annotate',
    'ingress',
    'milvus-demo',
    'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08',
    '--overwrite',
  )
  printHeading('mode: check, without the private key')
  const checkInputs = { ...tokenInput, mode: 'check', 'private-key': '' }
  const driftRun = await runMainAction(testEnvironment, checkInputs, {
    expectedFailureCode: 'drift-found',
  })
  printOutputs(driftRun, 'drift', 'changed', 'changes')
  printSummary(driftRun)
  printHeading(
    'A deploy with force-conflicts reverts the change, and the next check finds no drift',
  )
  await runMainAction(testEnvironment, { ...tokenInput, 'force-conflicts': 'true' })
  const cleanRun = await runMainAction(testEnvironment, checkInputs)
  assert(cleanRun.outputs['drift'] === 'false', 'the check after the deploy is not clean')
}

/** The resources that the action created are deleted, after a dry run; Milvus is kept. */
async function destroy(testEnvironment: TestEnvironment): Promise<void> {
  printHeading('Deployed')
  const token = await testEnvironment.enableAuthorization()
  await runMainAction(testEnvironment, { 'milvus-token': token })
  printHeading('mode: destroy with dry-run: what would be removed')
  const dryRun = await runMainAction(testEnvironment, { mode: 'destroy', 'dry-run': 'true' })
  assert(dryRun.outputs['changed'] === 'false', 'the dry run changed something')
  printHeading('mode: destroy, and the Service gets its load balancer back')
  const destroyInputs = { mode: 'destroy', 'restore-service-type': 'LoadBalancer' }
  printSummary(await runMainAction(testEnvironment, destroyInputs))
  printHeading('Again: nothing is left to remove')
  const secondRun = await runMainAction(testEnvironment, destroyInputs)
  assert(secondRun.outputs['changed'] === 'false', 'the second removal changed something')
  printHeading('Milvus is still there')
  console.log((await testEnvironment.helm('list')).trimEnd().replace(/^/gm, '  '))
}

/** Cutover from the Service's own load balancer to the ALB, with an application on each. */
async function cutover(testEnvironment: TestEnvironment): Promise<void> {
  const { host, port } = await testEnvironment.openServiceLoadBalancer()
  const oldClient = new ContinuousClient({ address: `${host}:${port}` })
  let albClient: ContinuousClient | undefined
  let switchedAt = Infinity
  void nextHelmServiceUpdate(testEnvironment).then(({ receivedAt: at }) => (switchedAt = at))
  printHeading('cutover: last. One client calls the old address, another the ALB once it works')
  await runMainAction(
    testEnvironment,
    { cutover: 'last' },
    {
      onLine: (line) => {
        if (line.includes('✓ probe')) albClient ??= startClientThroughAlb(testEnvironment)
      },
    },
  )
  printHeading('What the clients saw')
  const failuresBeforeSwitch = (await stopAndPrintCalls('old address', oldClient)).filter(
    ({ endedAt: ended }) => ended < switchedAt,
  )
  console.log(`  old address, before the Service changed: ${failuresBeforeSwitch.length} failed`)
  assert(
    failuresBeforeSwitch.length === 0 &&
      albClient !== undefined &&
      (await stopAndPrintCalls('ALB', albClient)).length === 0,
    'a call failed',
  )
}

/** A new certificate under the same ARN, with an application that stays connected. */
async function rotate(testEnvironment: TestEnvironment): Promise<void> {
  printHeading('Deployed')
  const firstRun = await runMainAction(testEnvironment)
  const client = startClientThroughAlb(testEnvironment)
  printHeading('The same workflow with a new certificate, while an application calls')
  const { fullchain, privateKey } = await testEnvironment.certificateAuthority.issue({
    hosts: [testEnvironment.host],
  })
  const secondRun = await runMainAction(testEnvironment, {
    certificate: fullchain,
    'private-key': privateKey,
  })
  printOutputs(secondRun, 'certificate-arn', 'certificate-expiry', 'changes')
  assert(
    secondRun.outputs['certificate-arn'] === firstRun.outputs['certificate-arn'],
    'the ARN has changed',
  )
  assert((await stopAndPrintCalls('application', client)).length === 0, 'a call failed')
}

/**
 * A targets file becomes jobs. Each deploys its targets, and a failing target does not stop the
 * others.
 */
async function fleet(testEnvironment: TestEnvironment): Promise<void> {
  const { certificate = '', 'private-key': privateKey = '', ...inputs } = testEnvironment.inputs()
  const file = join(testEnvironment.directory, 'targets.yml')
  await writeFile(
    file,
    JSON.stringify(
      {
        defaults: { ...inputs, region: testEnvironment.region, environment: 'production' },
        targets: [{ name: 'not-there', namespace: 'nowhere' }, { name: 'search' }],
      },
      undefined,
      2,
    ),
  )
  printHeading('The action fleet/plan creates a job matrix from a file')
  const matrix = await runFleetAction(testEnvironment, 'plan', { file })
  const jobs = (
    JSON.parse(matrix.outputs['matrix'] ?? '') as {
      include: { name: string; environment: string; targets: string }[]
    }
  ).include
  const outcomes: string[] = []
  for (const { name, environment, targets } of jobs) {
    printHeading(`The job ${name} in environment ${environment}`)
    const run = await runFleetAction(testEnvironment, 'deploy', {
      targets,
      'common-inputs': matrix.outputs['common-inputs'] ?? '',
      certificate,
      'private-key': privateKey,
    })
    outcomes.push(
      ...(JSON.parse(run.outputs['results'] ?? '[]') as { name: string; outcome: string }[]).map(
        (result) => `${result.name}: ${result.outcome}`,
      ),
    )
  }
  printHeading('The outcome of each target')
  console.log(outcomes.join('\n').replace(/^/gm, '  '))
  assert(
    outcomes.join() === 'not-there: failure,search: success',
    'the targets have other outcomes',
  )
}

/** By the argument of `npm run demo --`. */
export const workflows: Readonly<
  Record<string, (testEnvironment: TestEnvironment) => Promise<void>>
> = { deploy, check, destroy, cutover, rotate, fleet }
