{{- define "minio.name" -}}
{{ .Release.Name }}-minio
{{- end -}}

{{- define "minio.selector" -}}
app: minio
release: {{ .Release.Name }}
{{- end -}}

{{- define "minio.metadata" -}}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "minio.selector" . | nindent 2 }}
  chart: minio-{{ .Chart.Version }}
  heritage: {{ .Release.Service }}
{{- end -}}

{{/* What the StatefulSet and the Deployment have in common. */}}
{{- define "minio.pods" -}}
selector:
  matchLabels:
    {{- include "minio.selector" . | nindent 4 }}
template:
  metadata:
    name: {{ include "minio.name" . }}
    labels:
      {{- include "minio.selector" . | nindent 6 }}
  spec:
    {{- if .Values.serviceAccount.create }}
    serviceAccountName: {{ include "minio.name" . }}
    {{- end }}
    containers:
      - name: minio
        image: {{ .Values.image.repository }}:{{ .Values.image.tag }}
        args: ["server", "/export"]
        ports:
          - { name: http, containerPort: 9000, protocol: TCP }
        env:
          - name: MINIO_ACCESS_KEY
            valueFrom: { secretKeyRef: { name: {{ include "minio.name" . }}, key: accesskey } }
          - name: MINIO_SECRET_KEY
            valueFrom: { secretKeyRef: { name: {{ include "minio.name" . }}, key: secretkey } }
        volumeMounts:
          - { name: export, mountPath: /export }
{{- end -}}
