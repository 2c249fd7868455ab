/** Charts other than the public one: umbrella charts, and charts of other vendors. */
import { encodeJson, packChart, type ChartFiles } from './package.ts'

/** A packaged chart. */
export interface PackagedChart {
  readonly name: string
  readonly version: string
  readonly appVersion: string
  readonly archive: Uint8Array
}

/** A chart that contains another one. */
export interface UmbrellaChartOptions {
  readonly name: string
  readonly version: string
  readonly subchart: PackagedChart
  /** The name of the subchart in it. */
  readonly alias?: string
  readonly values?: object
  /** Additional files, by their path in the chart. */
  readonly extraFiles?: Readonly<Record<string, string>>
}

/**
 * A chart with a dependency, which is an archive in charts/. Source: Helm, "helm dependency build".
 */
export function buildUmbrellaChart({
  name,
  version,
  subchart,
  alias,
  values = {},
  extraFiles = {},
}: UmbrellaChartOptions): PackagedChart {
  const dependency = {
    name: subchart.name,
    version: subchart.version,
    repository: 'https://charts.example.com',
    alias,
  }
  const files: ChartFiles = [
    [
      'Chart.yaml',
      encodeJson({
        apiVersion: 'v2',
        name,
        version,
        appVersion: '1.0',
        dependencies: [dependency],
      }),
    ],
    ['values.yaml', encodeJson(values)],
    [`charts/${subchart.name}-${subchart.version}.tgz`, Buffer.from(subchart.archive)],
    ...Object.entries(extraFiles).map(([path, text]): [string, Buffer] => [
      path,
      Buffer.from(text),
    ]),
  ]
  return { name, version, appVersion: '1.0', archive: packChart(name, files) }
}

/**
 * A Milvus with a single pod.
 * @param componentLabel the name of the component label
 */
function renderProxyTemplate(componentLabel: string): string {
  const labels = [
    'app.kubernetes.io/name: milvus',
    'app.kubernetes.io/instance: {{ .Release.Name }}',
    `${componentLabel}: proxy`,
  ].join(', ')
  return `{{- define "labels" }}{${labels}}{{ end -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-proxy
  labels: {{ template "labels" . }}
spec:
  type: {{ .Values.proxy.service.type }}
  ports: [{name: grpc, port: 19530, targetPort: grpc}]
  selector: {{ template "labels" . }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-proxy
  labels: {{ template "labels" . }}
spec:
  selector: {matchLabels: {{ template "labels" . }}}
  template:
    metadata: {labels: {{ template "labels" . }}}
    spec:
      containers:
        - {name: proxy, image: milvusdb/milvus, ports: [{name: grpc, containerPort: 19530}]}
`
}

function buildProxyChart(version: string, metadata: object, componentLabel: string): PackagedChart {
  const files: ChartFiles = [
    [
      'Chart.yaml',
      encodeJson({ apiVersion: 'v2', name: 'milvus', version, appVersion: '2.5.11', ...metadata }),
    ],
    ['values.yaml', encodeJson({ proxy: { service: { type: 'LoadBalancer' } } })],
    ['templates/proxy.yaml', Buffer.from(renderProxyTemplate(componentLabel))],
  ]
  return { name: 'milvus', version, appVersion: '2.5.11', archive: packChart('milvus', files) }
}

/**
 * Another vendor's chart named milvus, with the labels, value paths and metadata of Bitnami's.
 * Source: bitnami/charts, bitnami/milvus: Chart.yaml, templates/proxy/service.yaml, values.yaml.
 */
export const buildVendorChart = (version: string): PackagedChart =>
  buildProxyChart(
    version,
    {
      home: 'https://bitnami.com',
      maintainers: [
        { name: 'Broadcom, Inc. All Rights Reserved.', url: 'https://github.com/bitnami/charts' },
      ],
    },
    'app.kubernetes.io/component',
  )

/**
 * A fork of the public chart with the same labels, which reads the type of the Service from another
 * value.
 */
export const buildForkedChart = (version: string): PackagedChart =>
  buildProxyChart(version, {}, 'component')

/** A chart that has nothing to do with Milvus. */
export const buildUnrelatedChart = (name: string, version: string): PackagedChart => ({
  name,
  version,
  appVersion: '1.0',
  archive: packChart(name, [
    ['Chart.yaml', encodeJson({ apiVersion: 'v2', name, version })],
    [
      'templates/config.yaml',
      Buffer.from(
        'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-config\n',
      ),
    ],
  ]),
})
