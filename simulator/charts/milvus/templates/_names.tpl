{{- define "milvus.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The release's own name when it says milvus already. */}}
{{- define "milvus.fullname" -}}
{{- $part := .Values.nameOverride | default .Chart.Name -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $part) (contains $part .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "milvus.selector" -}}
app.kubernetes.io/name: {{ include "milvus.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "milvus.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "milvus.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* `namespace: NAME`: the templates name it since 4.2.1, and leave it to helm before. */}}
{{- define "milvus.namespace" -}}
{{- if semverCompare ">=4.2.1-0" .Chart.Version -}}
namespace: {{ .Release.Namespace }}
{{- end -}}
{{- end -}}

{{- define "milvus.image" -}}
{{- with .Values.image.all }}{{ .repository }}:{{ .tag | default (printf "v%s" $.Chart.AppVersion) }}{{ end -}}
{{- end -}}

{{/* What clients speak to. */}}
{{- define "milvus.door" -}}
{{- ternary "proxy" "standalone" .Values.cluster.enabled -}}
{{- end -}}
