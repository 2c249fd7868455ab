{{- define "etcd.name" -}}
{{ .Release.Name }}-etcd
{{- end -}}

{{- define "etcd.selector" -}}
app.kubernetes.io/name: etcd
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "etcd.metadata" -}}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "etcd.selector" . | nindent 2 }}
  helm.sh/chart: etcd-{{ .Chart.Version }}
  app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "etcd.ports" -}}
- { name: client, port: 2379, targetPort: client }
- { name: peer, port: 2380, targetPort: peer }
{{- end -}}
