{{/*
The parts of Milvus: the key of their values, and their Service, which has either a port beside the metrics, or only those.
Which of them a version has is said by `enabled` in its values: versions.yaml.
*/}}
{{- define "milvus.components" -}}
- { name: proxy, values: proxy }
- { name: rootcoord, values: rootCoordinator, service: { port: 53100 } }
- { name: querycoord, values: queryCoordinator, service: { port: 19531 } }
- { name: indexcoord, values: indexCoordinator, service: { port: 31000 } }
- { name: datacoord, values: dataCoordinator, service: { port: 13333 } }
- { name: mixcoord, values: mixCoordinator, service: { headless: false } }
- { name: querynode, values: queryNode, service: { headless: true } }
- { name: datanode, values: dataNode, service: { headless: true } }
- { name: indexnode, values: indexNode, service: { headless: true } }
- { name: streamingnode, values: streamingNode, service: { headless: true } }
{{- end -}}

{{- define "milvus.standalone" -}}
- { name: standalone, values: standalone }
{{- end -}}
