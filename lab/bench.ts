/**
 * `npm run bench`: the guide, as a script of its own commands, against the action, in turn, on the lab's real parts. Writes
 * docs/performance.md.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { act } from '../sandbox/act.ts'
import { prepareRun } from '../sandbox/runner.ts'
import { repository } from '../sandbox/world.ts'
import { run } from './process.ts'
import { setup, type LabPrograms } from './setup.ts'
import { startLab, type Lab } from './lab.ts'

const rounds = 7
const start = performance.now()
const say = (line: string): void => console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`)

/** One measured run: seconds, seconds, MB. */
interface Figures {
  readonly wall: number
  readonly cpu: number
  readonly memory: number
}

/** Whole process, children included. */
async function measure(command: readonly string[], env: Readonly<Record<string, string>>): Promise<Figures> {
  const script = fileURLToPath(new URL('measure.py', import.meta.url))
  const { stdout, stderr } = await run('python3', [script, ...command], { env: { ...env } })
  const { code, ...figures } = JSON.parse(stdout) as Figures & { code: number }
  if (code !== 0) throw new Error(`${command[0] ?? ''} ended with ${code}:\n${stderr}`)
  return figures
}

async function measureAction(lab: Lab): Promise<Figures> {
  const { files, environment } = await prepareRun({ action: repository, directory: lab.directory, environment: lab.environment(), inputs: lab.inputs() })
  try {
    return await measure([process.execPath, join(repository, 'dist/index.js')], environment)
  } finally {
    await rm(files.directory, { recursive: true, force: true })
  }
}

/** The guide's commands, unchanged but for names: without --certificate-arn the first time, as the guide has it. */
const guide = `set -eu
arn=$("$PYTHON_AWS" -m awscli acm import-certificate --certificate fileb://leaf.pem --certificate-chain fileb://chain.pem --private-key fileb://key.pem \${ARN:+--certificate-arn $ARN} --query CertificateArn --output text)
helm upgrade milvus-demo milvus --repo "$CHARTS" --version 4.2.58 -n milvus --reuse-values --set service.type=ClusterIP --wait
sed "s|ARN|$arn|" ingress.template > ingress.json
kubectl apply -f ingress.json
kubectl wait -n milvus --for=jsonpath='{.status.loadBalancer.ingress[0].hostname}' ingress/milvus-demo --timeout 60s
"$PYTHON_MILVUS" -c "
from pymilvus import connections, utility
import os, time
for attempt in range(100):
    try:
        connections.connect('default', host=os.environ['HOST'], port=os.environ['PORT'], secure=True, server_name=os.environ['SERVER_NAME'], server_pem_path=os.environ['CA'], timeout=2)
        break
    except Exception:
        time.sleep(0.1)
print(utility.get_server_version())
"
echo "$arn" > arn
`

async function measureGuide(lab: Lab, arn: string): Promise<Figures> {
  const at = (name: string) => join(lab.directory, name)
  const prefix = 'alb.ingress.kubernetes.io'
  const ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: lab.namespace, name: 'milvus-demo', annotations: { [`${prefix}/scheme`]: 'internet-facing', [`${prefix}/backend-protocol-version`]: 'GRPC', [`${prefix}/target-type`]: 'ip', [`${prefix}/listen-ports`]: `[{"HTTPS":${lab.listenPort}}]`, [`${prefix}/certificate-arn`]: 'ARN' } },
    spec: { ingressClassName: 'alb', rules: [{ host: lab.host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'milvus-demo', port: { number: 19530 } } } }] } }] },
  }
  await Promise.all([writeFile(at('leaf.pem'), lab.certificate.certificate), writeFile(at('chain.pem'), lab.certificate.chain), writeFile(at('key.pem'), lab.certificate.privateKey), writeFile(at('ingress.template'), JSON.stringify(ingress)), writeFile(at('guide.sh'), guide)])
  const environment = {
    ...lab.environment(), HOME: lab.directory, KUBECONFIG: lab.kubeconfig, CHARTS: lab.charts.url, AWS_DEFAULT_REGION: lab.region, PYTHON_AWS: lab.programs.aws, PYTHON_MILVUS: lab.programs.pymilvus,
    PATH: `${lab.programs.kubectl.replace(/\/kubectl$/, '')}:/usr/bin:/bin`, HOST: lab.albAddress, PORT: String(lab.listenPort), SERVER_NAME: lab.host, CA: lab.ca, ARN: arn,
  }
  return measure(['sh', '-c', `cd '${lab.directory}' && sh guide.sh`], environment)
}

async function inLab<T>(programs: LabPrograms, work: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = await startLab(programs, { direct: true })
  try {
    await lab.installMilvus()
    return await work(lab)
  } finally {
    await lab.close()
  }
}

type Pair = readonly [guide: Figures, action: Figures]

async function firstDeployments(programs: LabPrograms): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (let round = 1; round <= rounds; round += 1) {
    pairs.push([await inLab(programs, (lab) => measureGuide(lab, '')), await inLab(programs, measureAction)])
    say(`first deployment, round ${round}: guide ${pairs.at(-1)?.[0].wall.toFixed(2) ?? ''} s, action ${pairs.at(-1)?.[1].wall.toFixed(2) ?? ''} s`)
  }
  return pairs
}

/** Both in one lab, in turn; the action has taken over what the guide made, and each finds everything as it should be. */
function convergedRuns(programs: LabPrograms): Promise<Pair[]> {
  return inLab(programs, async (lab) => {
    await measureGuide(lab, '')
    const arn = (await readFile(join(lab.directory, 'arn'), 'utf8')).trim()
    await measureAction(lab)
    const pairs: Pair[] = []
    for (let round = 1; round <= rounds; round += 1) {
      pairs.push([await measureGuide(lab, arn), await measureAction(lab)])
      say(`converged, round ${round}: guide ${pairs.at(-1)?.[0].wall.toFixed(2) ?? ''} s, action ${pairs.at(-1)?.[1].wall.toFixed(2) ?? ''} s`)
    }
    return pairs
  })
}

/** Seconds from the moment that AWS calls the load balancer active to the end of the action. */
function afterActive(programs: LabPrograms): Promise<number> {
  return inLab(programs, async (lab) => {
    const release = lab.holdLoadBalancers()
    const deployed = act(lab)
    await until(async () => (await lab.kubectl('get', 'ingress', 'milvus-demo', '--ignore-not-found', '-o', 'jsonpath={.status.loadBalancer.ingress[0].hostname}')) !== '')
    await new Promise((resolve) => setTimeout(resolve, 1_500)) // the wait itself is what is measured: it has to have lasted
    const since = performance.now()
    release()
    const result = await deployed
    if (result.exitCode !== 0) throw new Error(result.log)
    return (performance.now() - since) / 1000
  })
}

/** Seconds from the first refusal that the API shows to the end of the action. */
function afterRefusal(programs: LabPrograms): Promise<number> {
  return inLab(programs, async (lab) => {
    lab.controller.options.unknownIds = ['subnet-unknown']
    const refused = act(lab, { subnets: 'subnet-unknown' })
    await until(async () => (await lab.client.get<{ items: { reason?: string; involvedObject: { kind?: string } }[] }>(`/api/v1/namespaces/${lab.namespace}/events`)).items.some(({ reason, involvedObject }) => involvedObject.kind === 'Ingress' && (reason?.startsWith('Failed') ?? false)))
    const since = performance.now()
    await refused
    return (performance.now() - since) / 1000
  })
}

async function until(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 5))
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

function table(title: string, pairs: readonly Pair[]): string {
  const row = (name: string, of: (figures: Figures) => number, digits: number) => {
    const [ours, theirs] = [median(pairs.map(([, action]) => of(action))), median(pairs.map(([first]) => of(first)))]
    return `| ${name} | ${theirs.toFixed(digits)} | ${ours.toFixed(digits)} | ${median(pairs.map(([first, action]) => of(first) / of(action))).toFixed(1)} |`
  }
  return [`## ${title}`, '', '| median | guide | action | guide / action |', '|---|---|---|---|', row('wall, s', ({ wall }) => wall, 2), row('CPU, s', ({ cpu }) => cpu, 2), row('peak memory, MB', ({ memory }) => memory, 0)].join('\n')
}

async function repeat(name: string, work: () => Promise<number>): Promise<number[]> {
  const values: number[] = []
  for (let round = 1; round <= rounds; round += 1) values.push(await work())
  say(`${name}: ${values.map((value) => value.toFixed(2)).join(', ')} s`)
  return values
}

const programs = await setup(say)
const first = await firstDeployments(programs)
const converged = await convergedRuns(programs)
const active = await repeat('after the ALB is active', () => afterActive(programs))
const refusal = await repeat('after a refusal is observable', () => afterRefusal(programs))
const spread = (values: readonly number[]) => `${median(values).toFixed(2)} s (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`
await writeFile(join(repository, 'docs/performance.md'), `# Performance

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores (${cpus()[0]?.model.trim() ?? ''}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}. Medians of ${rounds} rounds, the two in turn; ratios are medians of the rounds' ratios. CPU and memory are of the whole process tree, memory of its largest process.

The guide is its own commands as a script: \`aws acm import-certificate\`, \`helm upgrade\`, \`kubectl apply\`, \`kubectl wait\`, pymilvus' connect. Both run on the lab's parts, which answer at once: on AWS, add minutes of provisioning to each first deployment. The guide's script does not look whether the certificate that is served is the one in ACM, nor whether the controller took up this very change.

${table('First deployment', first)}

${table('Converged run', converged)}

## What waiting adds

| from | to the end of the action, median |
|---|---|
| AWS calls the load balancer active | ${spread(active)} |
| the API shows the controller's refusal | ${spread(refusal)} |
`)
say('docs/performance.md is written')
