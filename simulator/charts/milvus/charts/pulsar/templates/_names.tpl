{{/* The chart's name is its alias, where it has one. */}}
{{- define "pulsar.name" -}}
{{ .Release.Name }}-{{ .Chart.Name }}
{{- end -}}

{{- define "pulsar.selector" -}}
app: {{ .Chart.Name }}
release: {{ .Release.Name }}
{{- end -}}

{{- define "pulsar.metadata" -}}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "pulsar.selector" . | nindent 2 }}
  cluster: {{ include "pulsar.name" . }}
  chart: {{ .Chart.Name }}-{{ .Chart.Version }}
  heritage: {{ .Release.Service }}
{{- end -}}

{{- define "pulsar.image" -}}
{{- .Values.image.repository }}:{{ .Values.image.tag | default (ternary "3.0.7" "2.8.2" (semverCompare ">=3.0.0-0" .Chart.Version)) }}
{{- end -}}

{{/* The key of their values, the ports of their Services, and their volumes. Chart 2 gives a ServiceAccount to the broker only. */}}
{{- define "pulsar.components" -}}
{{- $own := semverCompare ">=3.0.0-0" .Chart.Version -}}
zookeeper: { values: zookeeper, account: {{ $own }}, ports: { http: 8000, follower: 2888, leader-election: 3888, client: 2181 }, volumes: [data] }
bookie: { values: bookkeeper, account: {{ $own }}, ports: { bookie: 3181, http: 8000 }, volumes: [journal, ledgers] }
broker: { values: broker, account: true, suffix: -acct, ports: { http: 8080, pulsar: 6650 } }
proxy: { values: proxy, account: {{ $own }}, open: true, ports: { http: 80, pulsar: 6650 } }
recovery: { values: autorecovery, account: {{ $own }}, ports: { http: 8000 } }
{{- end -}}
