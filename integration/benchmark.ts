/**
 * `npm run bench`: the guide, as a script of its own commands, against the action, in turn, on the
 * lab's real parts. Writes docs/performance.md.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runAction } from '../testing/run-action.ts'
import { prepareRun } from '../testing/runner.ts'
import { repositoryRoot } from '../testing/environment.ts'
import { runCommand } from './command.ts'
import { setup, type LabPrograms } from './setup.ts'
import { startLab, type Lab } from './lab.ts'

const rounds = 7
const start = performance.now()
const logProgress = (line: string): void =>
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`)

/** One measured run: seconds, seconds, MB. */
interface Measurement {
  readonly wall: number
  readonly cpu: number
  readonly memory: number
}

/** Whole process, children included. */
async function measure(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Measurement> {
  const script = fileURLToPath(new URL('measure.py', import.meta.url))
  const { stdout, stderr } = await runCommand('python3', [script, ...command], { env: { ...env } })
  const { code, ...figures } = JSON.parse(stdout) as Measurement & { code: number }
  if (code !== 0) throw new Error(`${command[0] ?? ''} ended with ${code}:\n${stderr}`)
  return figures
}

async function measureAction(lab: Lab): Promise<Measurement> {
  const { files, environment } = await prepareRun({
    actionDirectory: repositoryRoot,
    directory: lab.directory,
    env: lab.runnerEnv(),
    inputs: lab.inputs(),
  })
  try {
    return await measure([process.execPath, join(repositoryRoot, 'dist/index.js')], environment)
  } finally {
    await rm(files.directory, { recursive: true, force: true })
  }
}

/**
 * The guide's commands, unchanged but for names: without --certificate-arn the first time, as the
 * guide has it.
 */
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

async function measureGuide(lab: Lab, arn: string): Promise<Measurement> {
  const resolvePath = (name: string) => join(lab.directory, name)
  const prefix = 'alb.ingress.kubernetes.io'
  const ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      namespace: lab.namespace,
      name: 'milvus-demo',
      annotations: {
        [`${prefix}/scheme`]: 'internet-facing',
        [`${prefix}/backend-protocol-version`]: 'GRPC',
        [`${prefix}/target-type`]: 'ip',
        [`${prefix}/listen-ports`]: `[{"HTTPS":${lab.listenPort}}]`,
        [`${prefix}/certificate-arn`]: 'ARN',
      },
    },
    spec: {
      ingressClassName: 'alb',
      rules: [
        {
          host: lab.host,
          http: {
            paths: [
              {
                path: '/',
                pathType: 'Prefix',
                backend: { service: { name: 'milvus-demo', port: { number: 19530 } } },
              },
            ],
          },
        },
      ],
    },
  }
  await Promise.all([
    writeFile(resolvePath('leaf.pem'), lab.certificate.certificate),
    writeFile(resolvePath('chain.pem'), lab.certificate.chain),
    writeFile(resolvePath('key.pem'), lab.certificate.privateKey),
    writeFile(resolvePath('ingress.template'), JSON.stringify(ingress)),
    writeFile(resolvePath('guide.sh'), guide),
  ])
  const environment = {
    ...lab.runnerEnv(),
    HOME: lab.directory,
    KUBECONFIG: lab.kubeconfig,
    CHARTS: lab.chartRepository.url,
    AWS_DEFAULT_REGION: lab.region,
    PYTHON_AWS: lab.programs.aws,
    PYTHON_MILVUS: lab.programs.pymilvus,
    PATH: `${lab.programs.kubectl.replace(/\/kubectl$/, '')}:/usr/bin:/bin`,
    HOST: lab.albAddress,
    PORT: String(lab.listenPort),
    SERVER_NAME: lab.host,
    CA: lab.ca,
    ARN: arn,
  }
  return measure(['sh', '-c', `cd '${lab.directory}' && sh guide.sh`], environment)
}

async function withLab<T>(programs: LabPrograms, operation: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = await startLab(programs, { bypassKubernetesProxy: true })
  try {
    await lab.installMilvus()
    return await operation(lab)
  } finally {
    await lab.close()
  }
}

type MeasurementPair = readonly [guide: Measurement, action: Measurement]

async function measureFirstDeployments(programs: LabPrograms): Promise<MeasurementPair[]> {
  const pairs: MeasurementPair[] = []
  for (let round = 1; round <= rounds; round += 1) {
    pairs.push([
      await withLab(programs, (lab) => measureGuide(lab, '')),
      await withLab(programs, measureAction),
    ])
    logProgress(
      `first deployment, round ${round}: guide ${pairs.at(-1)?.[0].wall.toFixed(2) ?? ''} s, action ${pairs.at(-1)?.[1].wall.toFixed(2) ?? ''} s`,
    )
  }
  return pairs
}

/**
 * Both in one lab, in turn; the action has taken over what the guide made, and each finds
 * everything as it should be.
 */
function measureConvergedRuns(programs: LabPrograms): Promise<MeasurementPair[]> {
  return withLab(programs, async (lab) => {
    await measureGuide(lab, '')
    const arn = (await readFile(join(lab.directory, 'arn'), 'utf8')).trim()
    await measureAction(lab)
    const pairs: MeasurementPair[] = []
    for (let round = 1; round <= rounds; round += 1) {
      pairs.push([await measureGuide(lab, arn), await measureAction(lab)])
      logProgress(
        `converged, round ${round}: guide ${pairs.at(-1)?.[0].wall.toFixed(2) ?? ''} s, action ${pairs.at(-1)?.[1].wall.toFixed(2) ?? ''} s`,
      )
    }
    return pairs
  })
}

/** Seconds from the moment that AWS reports the load balancer as active to the end of the action. */
function measureAfterActive(programs: LabPrograms): Promise<number> {
  return withLab(programs, async (lab) => {
    const releaseLoadBalancers = lab.pauseLoadBalancerProvisioning()
    const deployment = runAction(lab)
    await waitUntil(
      async () =>
        (await lab.kubectl(
          'get',
          'ingress',
          'milvus-demo',
          '--ignore-not-found',
          '-o',
          'jsonpath={.status.loadBalancer.ingress[0].hostname}',
        )) !== '',
    )
    // the wait itself is what is measured: it has to have lasted
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    const startedAt = performance.now()
    releaseLoadBalancers()
    const result = await deployment
    if (result.exitCode !== 0) throw new Error(result.log)
    return (performance.now() - startedAt) / 1000
  })
}

/** Seconds from the first refusal that the API shows to the end of the action. */
function measureAfterRejection(programs: LabPrograms): Promise<number> {
  return withLab(programs, async (lab) => {
    lab.controller.options.unknownIds = ['subnet-unknown']
    const rejectedRun = runAction(lab, { subnets: 'subnet-unknown' })
    await waitUntil(async () =>
      (
        await lab.client.get<{ items: { reason?: string; involvedObject: { kind?: string } }[] }>(
          `/api/v1/namespaces/${lab.namespace}/events`,
        )
      ).items.some(
        ({ reason, involvedObject }) =>
          involvedObject.kind === 'Ingress' && (reason?.startsWith('Failed') ?? false),
      ),
    )
    const startedAt = performance.now()
    await rejectedRun
    return (performance.now() - startedAt) / 1000
  })
}

async function waitUntil(check: () => Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 5))
}

const computeMedian = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

function renderTable(title: string, pairs: readonly MeasurementPair[]): string {
  const renderRow = (name: string, getValue: (figures: Measurement) => number, digits: number) => {
    const [actionMedian, guideMedian] = [
      computeMedian(pairs.map(([, action]) => getValue(action))),
      computeMedian(pairs.map(([first]) => getValue(first))),
    ]
    return `| ${name} | ${guideMedian.toFixed(digits)} | ${actionMedian.toFixed(digits)} | ${computeMedian(pairs.map(([first, action]) => getValue(first) / getValue(action))).toFixed(1)} |`
  }
  return [
    `## ${title}`,
    '',
    '| median | guide | action | guide / action |',
    '|---|---|---|---|',
    renderRow('wall, s', ({ wall }) => wall, 2),
    renderRow('CPU, s', ({ cpu }) => cpu, 2),
    renderRow('peak memory, MB', ({ memory }) => memory, 0),
  ].join('\n')
}

async function measureRepeatedly(
  name: string,
  operation: () => Promise<number>,
): Promise<number[]> {
  const values: number[] = []
  for (let round = 1; round <= rounds; round += 1) values.push(await operation())
  logProgress(`${name}: ${values.map((value) => value.toFixed(2)).join(', ')} s`)
  return values
}

const programs = await setup(logProgress)
const first = await measureFirstDeployments(programs)
const converged = await measureConvergedRuns(programs)
const active = await measureRepeatedly('after the ALB is active', () =>
  measureAfterActive(programs),
)
const rejection = await measureRepeatedly('after a refusal is observable', () =>
  measureAfterRejection(programs),
)
const formatSpread = (values: readonly number[]) =>
  `${computeMedian(values).toFixed(2)} s (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`
await writeFile(
  join(repositoryRoot, 'docs/performance.md'),
  `# Performance

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores (${cpus()[0]?.model.trim() ?? ''}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}. Medians of ${rounds} rounds, alternating between guide and action; ratios are medians of the rounds' ratios. CPU time and memory cover the whole process tree; memory is that of its largest process.

The guide is a script of its own commands: \`aws acm import-certificate\`, \`helm upgrade\`, \`kubectl apply\`, \`kubectl wait\`, and pymilvus' connect. Both run against the lab, whose components respond immediately: on AWS, add minutes of provisioning to each first deployment. The guide's script does not check whether the served certificate is the one in ACM, nor whether the controller has reconciled this change.

${renderTable('First deployment', first)}

${renderTable('Converged run', converged)}

## Latency of the waits

| from | to the end of the action (median) |
|---|---|
| AWS reports the load balancer as active | ${formatSpread(active)} |
| the API shows the controller's rejection | ${formatSpread(rejection)} |
`,
)
logProgress('docs/performance.md is written')
