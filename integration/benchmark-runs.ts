/** The guide, as a script of its commands, and the action, measured as whole processes. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { repositoryRoot } from '../testing/environment.ts'
import type { SlowNetwork } from '../testing/latency.ts'
import { prepareRun } from '../testing/runner.ts'
import type { Measurement } from './benchmark-page.ts'
import { runCommand } from './command.ts'
import type { Lab } from './lab.ts'

/**
 * Measures a process and its children.
 * @throws Error when it ends with another code
 */
async function measure(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  expectedCode = 0,
): Promise<Measurement> {
  const script = fileURLToPath(new URL('measure.py', import.meta.url))
  const { stdout, stderr } = await runCommand('python3', [script, ...command], { env: { ...env } })
  const { code, ...figures } = JSON.parse(stdout) as Measurement & { code: number }
  if (code !== expectedCode) throw new Error(`${command[0] ?? ''} ended with ${code}:\n${stderr}`)
  return figures
}

/** Runs the main step of the action. */
export async function measureAction(lab: Lab, network?: SlowNetwork): Promise<Measurement> {
  const { files, environment } = await prepareRun({
    actionDirectory: repositoryRoot,
    directory: lab.directory,
    env: { ...lab.runnerEnv(), ...(network && { AWS_ENDPOINT_URL: network.awsEndpoint }) },
    inputs: { ...lab.inputs(), ...(network && { 'chart-repository': network.chartRepository }) },
  })
  try {
    return await measure([process.execPath, join(repositoryRoot, 'dist/index.js')], environment)
  } finally {
    await rm(files.directory, { recursive: true, force: true })
  }
}

/** Runs Node without a program: what no action can do without. */
export const measureEmptyProcess = (): Promise<Measurement> =>
  measure([process.execPath, '--eval', ''], {})

/** Loads the action, which ends because its inputs are missing. */
export const measureLoading = (lab: Lab): Promise<Measurement> =>
  measure([process.execPath, join(repositoryRoot, 'dist/index.js')], { HOME: lab.directory }, 1)

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

/** The Ingress of the guide, with ARN in place of the certificate's. */
function createIngress(lab: Lab): object {
  const prefix = 'alb.ingress.kubernetes.io'
  return {
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
}

/**
 * Runs the guide.
 * @param arn of the certificate to import again; empty in the first run
 */
export async function measureGuide(
  lab: Lab,
  arn: string,
  network?: SlowNetwork,
): Promise<Measurement> {
  const resolvePath = (name: string) => join(lab.directory, name)
  await Promise.all([
    writeFile(resolvePath('leaf.pem'), lab.certificate.certificate),
    writeFile(resolvePath('chain.pem'), lab.certificate.chain),
    writeFile(resolvePath('key.pem'), lab.certificate.privateKey),
    writeFile(resolvePath('ingress.template'), JSON.stringify(createIngress(lab))),
    writeFile(resolvePath('guide.sh'), guide),
  ])
  const environment = {
    ...lab.runnerEnv(),
    HOME: lab.directory,
    KUBECONFIG: network ? await writeSlowKubeconfig(lab, network) : lab.kubeconfig,
    CHARTS: network?.chartRepository ?? lab.chartRepository.url,
    AWS_DEFAULT_REGION: lab.region,
    PYTHON_AWS: lab.programs.aws,
    PYTHON_MILVUS: lab.programs.pymilvus,
    PATH: `${lab.programs.kubectl.replace(/\/kubectl$/, '')}:/usr/bin:/bin`,
    HOST: network?.albAddress ?? lab.albAddress,
    PORT: String(lab.listenPort),
    SERVER_NAME: lab.host,
    CA: lab.ca,
    ARN: arn,
    ...(network && { AWS_ENDPOINT_URL: network.awsEndpoint }),
  }
  return measure(['sh', '-c', `cd '${lab.directory}' && sh guide.sh`], environment)
}

async function writeSlowKubeconfig(lab: Lab, { clusterEndpoint }: SlowNetwork): Promise<string> {
  const path = join(lab.directory, 'slow-kubeconfig')
  const text = await readFile(lab.kubeconfig, 'utf8')
  await writeFile(path, text.replace(/https:\/\/[^"'\s]+/, clusterEndpoint), { mode: 0o600 })
  return path
}

/** The ARN that the guide's script imported. */
export const readGuideArn = async (lab: Lab): Promise<string> =>
  (await readFile(join(lab.directory, 'arn'), 'utf8')).trim()
