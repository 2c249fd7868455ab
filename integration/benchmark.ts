/**
 * `npm run bench`: compares the guide, as a script of its commands, with the action, on the real
 * services of the lab. Writes docs/performance.md.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runAction } from '../testing/run-action.ts'
import { prepareRun } from '../testing/runner.ts'
import { repositoryRoot } from '../testing/environment.ts'
import { waitUntil } from '../testing/wait.ts'
import { runCommand } from './command.ts'
import { renderPage, type Measurement, type MeasurementPair } from './benchmark-page.ts'
import { setup, type LabPrograms } from './setup.ts'
import { startLab, type Lab } from './lab.ts'

const rounds = 7
const start = performance.now()
const logProgress = (line: string): void =>
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}`)

/** Measures a process and its children. */
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

/** The guide's commands with other names. The first run has no --certificate-arn. */
const guide = `set -eu
arn=$("$PYTHON_AWS" -m awscli acm import-certificate \\
  --certificate fileb://leaf.pem --certificate-chain fileb://chain.pem \\
  --private-key fileb://key.pem \${ARN:+--certificate-arn $ARN} \\
  --query CertificateArn --output text)
helm upgrade milvus-demo milvus --repo "$CHARTS" --version 4.2.58 -n milvus \\
  --reuse-values --set service.type=ClusterIP --wait
sed "s|ARN|$arn|" ingress.template > ingress.json
kubectl apply -f ingress.json
kubectl wait -n milvus --for=jsonpath='{.status.loadBalancer.ingress[0].hostname}' \\
  ingress/milvus-demo --timeout 60s
"$PYTHON_MILVUS" -c "
from pymilvus import connections, utility
import os, time
for attempt in range(100):
    try:
        connections.connect(
            'default', host=os.environ['HOST'], port=os.environ['PORT'], secure=True,
            server_name=os.environ['SERVER_NAME'], server_pem_path=os.environ['CA'], timeout=2)
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

async function measureFirstDeployments(programs: LabPrograms): Promise<MeasurementPair[]> {
  const pairs: MeasurementPair[] = []
  for (let round = 1; round <= rounds; round += 1) {
    const guideRun = await withLab(programs, (lab) => measureGuide(lab, ''))
    const actionRun = await withLab(programs, measureAction)
    pairs.push([guideRun, actionRun])
    logProgress(`first deployment, round ${round}: ${formatWallTimes(guideRun, actionRun)}`)
  }
  return pairs
}

const formatWallTimes = (guideRun: Measurement, actionRun: Measurement): string =>
  `guide ${guideRun.wall.toFixed(2)} s, action ${actionRun.wall.toFixed(2)} s`

/**
 * Measures runs that change nothing, in one lab in which both the guide and the action have
 * deployed.
 */
function measureConvergedRuns(programs: LabPrograms): Promise<MeasurementPair[]> {
  return withLab(programs, async (lab) => {
    await measureGuide(lab, '')
    const arn = (await readFile(join(lab.directory, 'arn'), 'utf8')).trim()
    await measureAction(lab)
    const pairs: MeasurementPair[] = []
    for (let round = 1; round <= rounds; round += 1) {
      const guideRun = await measureGuide(lab, arn)
      const actionRun = await measureAction(lab)
      pairs.push([guideRun, actionRun])
      logProgress(`converged, round ${round}: ${formatWallTimes(guideRun, actionRun)}`)
    }
    return pairs
  })
}

/** Seconds from the load balancer becoming active to the end of the action. */
function measureAfterActive(programs: LabPrograms): Promise<number> {
  return withLab(programs, async (lab) => {
    const releaseLoadBalancers = lab.pauseLoadBalancerProvisioning()
    const deployment = runAction(lab)
    const hasHostname = async (): Promise<boolean> => {
      const output = 'jsonpath={.status.loadBalancer.ingress[0].hostname}'
      const args = ['get', 'ingress', 'milvus-demo', '--ignore-not-found', '-o', output]
      return (await lab.kubectl(...args)) !== ''
    }
    await waitForEvent(hasHostname, 'The Ingress got no hostname.')
    // Makes sure that the action is waiting.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    const startedAt = performance.now()
    releaseLoadBalancers()
    const result = await deployment
    if (result.exitCode !== 0) throw new Error(result.log)
    return (performance.now() - startedAt) / 1000
  })
}

interface EventList {
  readonly items: readonly {
    readonly reason?: string
    readonly involvedObject: { readonly kind?: string }
  }[]
}

/** Seconds from the controller's first error event to the end of the action. */
function measureAfterRejection(programs: LabPrograms): Promise<number> {
  return withLab(programs, async (lab) => {
    lab.controller.options.unknownIds = ['subnet-unknown']
    const rejectedRun = runAction(lab, { subnets: 'subnet-unknown' })
    const hasErrorEvent = async (): Promise<boolean> => {
      const path = `/api/v1/namespaces/${lab.namespace}/events`
      const { items } = await lab.client.get<EventList>(path)
      return items.some(
        ({ reason, involvedObject }) =>
          involvedObject.kind === 'Ingress' && (reason?.startsWith('Failed') ?? false),
      )
    }
    await waitForEvent(hasErrorEvent, 'The controller reported no error.')
    const startedAt = performance.now()
    await rejectedRun
    return (performance.now() - startedAt) / 1000
  })
}

/** Polls at a short interval, because the time of the event is measured. */
const waitForEvent = (condition: () => Promise<boolean>, message: string): Promise<true> =>
  waitUntil(condition, { interval: 5, createError: () => new Error(message) })

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
const rejection = await measureRepeatedly('after a rejection is observable', () =>
  measureAfterRejection(programs),
)
await writeFile(
  join(repositoryRoot, 'docs/performance.md'),
  renderPage({ rounds, first, converged, active, rejection }),
)
logProgress('docs/performance.md is written')
