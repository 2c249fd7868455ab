/** The stories of the demo, by name. Each begins with a Milvus that helm installed behind a LoadBalancer Service. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CallingClient, callThroughAlb, serviceSwitch } from '../../sandbox/calling-client.ts'
import type { World } from '../../sandbox/world.ts'
import { insist, perform, performOther, say, showOutputs, showSummary, tally, useMilvus } from './stage.ts'

/** The first deployment, its client, and a second run that changes nothing. */
async function deploy(world: World): Promise<void> {
  say('The action, as a runner would run it')
  const first = await perform(world)
  say('Its outputs')
  showOutputs(first)
  showSummary(first)
  say('The official Node SDK at the address from the output')
  await useMilvus(world, first.outputs['alb-address'] ?? '')
  say('The action again')
  const second = await perform(world)
  insist(second.outputs['changed'] === 'false', `the second run changed something: ${second.outputs['changes'] ?? ''}`)
  say(`Nothing changed, in ${(second.took / 1000).toFixed(2)} s`)
}

/** Somebody changes a deployment by hand; a check finds it, a deploy heals it. */
async function check(world: World): Promise<void> {
  say('Deployed, and then somebody changes the Ingress by hand')
  await perform(world)
  await world.kubectl('annotate', 'ingress', 'milvus-demo', 'alb.ingress.kubernetes.io/ssl-policy=ELBSecurityPolicy-2016-08', '--overwrite')
  say('mode: check, without the private key')
  const keyless = { mode: 'check', 'private-key': '' }
  const found = await perform(world, keyless, { fails: 'drift-found' })
  showOutputs(found, 'drift', 'changed', 'changes')
  showSummary(found)
  say('A deploy with force-conflicts takes the field back, and the next check is clean')
  await perform(world, { 'force-conflicts': 'true' })
  const clean = await perform(world, keyless)
  insist(clean.outputs['drift'] === 'false', 'the check after the deploy is not clean')
}

/** What the action made goes, after a rehearsal; Milvus stays. */
async function destroy(world: World): Promise<void> {
  say('Deployed')
  await perform(world)
  say('mode: destroy with dry-run: what would go')
  const rehearsal = await perform(world, { mode: 'destroy', 'dry-run': 'true' })
  insist(rehearsal.outputs['changed'] === 'false', 'the dry run changed something')
  say('mode: destroy, and the Service gets its load balancer back')
  const removal = { mode: 'destroy', 'restore-service-type': 'LoadBalancer' }
  showSummary(await perform(world, removal))
  say('Again: nothing is left to remove')
  const again = await perform(world, removal)
  insist(again.outputs['changed'] === 'false', 'the second removal changed something')
  say('Milvus is still there')
  console.log((await world.helm('list')).trimEnd().replace(/^/gm, '  '))
}

/** From the Service's own load balancer to the ALB, with an application on each. */
async function cutover(world: World): Promise<void> {
  const { host, port } = await world.serviceAddress()
  const old = new CallingClient({ address: `${host}:${port}` })
  let fresh: CallingClient | undefined
  let switched = Infinity
  void serviceSwitch(world).then(({ at }) => (switched = at))
  say('cutover: last. One application calls the old address all the time, another the ALB from its first proof on')
  await perform(world, { cutover: 'last' }, { onLine: (line) => {
    if (line.includes('✓ probe')) fresh ??= callThroughAlb(world)
  } })
  say('How it went for them')
  const before = (await tally('old address', old)).filter(({ ended }) => ended < switched)
  console.log(`  old address, before the Service changed: ${before.length} failed`)
  insist(before.length === 0 && fresh !== undefined && (await tally('ALB', fresh)).length === 0, 'a call failed')
}

/** A new certificate under the same ARN, with an application connected throughout. */
async function rotate(world: World): Promise<void> {
  say('Deployed')
  const first = await perform(world)
  const client = callThroughAlb(world)
  say('The same workflow with a new certificate, while an application calls')
  const { fullchain, privateKey } = await world.authority.issue({ hosts: [world.host] })
  const second = await perform(world, { certificate: fullchain, 'private-key': privateKey })
  showOutputs(second, 'certificate-arn', 'certificate-expiry', 'changes')
  insist(second.outputs['certificate-arn'] === first.outputs['certificate-arn'], 'the ARN is another one')
  insist((await tally('application', client)).length === 0, 'a call failed')
}

/** A file of targets becomes jobs; each deploys its targets, and one that fails keeps no other from it. */
async function fleet(world: World): Promise<void> {
  const { certificate = '', 'private-key': privateKey = '', ...inputs } = world.inputs()
  const file = join(world.directory, 'targets.yml')
  await writeFile(file, JSON.stringify({ defaults: { ...inputs, region: world.region, environment: 'production' }, targets: [{ name: 'not-there', namespace: 'nowhere' }, { name: 'search' }] }, undefined, 2))
  say('The action targets makes a job matrix of a file')
  const matrix = await performOther(world, 'targets', { file })
  const jobs = (JSON.parse(matrix.outputs['matrix'] ?? '') as { include: { name: string; environment: string; targets: string }[] }).include
  const outcomes: string[] = []
  for (const { name, environment, targets } of jobs) {
    say(`The job ${name} in environment ${environment}`)
    const run = await performOther(world, 'fleet', { targets, certificate, 'private-key': privateKey })
    outcomes.push(...(JSON.parse(run.outputs['results'] ?? '[]') as { name: string; outcome: string }[]).map((result) => `${result.name}: ${result.outcome}`))
  }
  say('What became of them')
  console.log(outcomes.join('\n').replace(/^/gm, '  '))
  insist(outcomes.join() === 'not-there: failure,search: success', 'the targets ended otherwise')
}

/** By what `npm run demo --` takes. */
export const stories: Readonly<Record<string, (world: World) => Promise<void>>> = { deploy, check, destroy, cutover, rotate, fleet }
