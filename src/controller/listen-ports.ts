/** Annotation listen-ports: a JSON list of `{PROTOCOL: PORT}`. Pure. */
import { annotationPrefix as prefix } from './annotations.ts'

/**
 * The ports on which an Ingress listens, and their protocols. Without listen-ports, an Ingress with
 * a certificate listens on 443. Source: the controller's model_build_listener.go.
 * @param annotations by their complete keys
 * @returns port -> protocol; empty for a value that the controller rejects
 */
export function parseListenPorts(
  annotations: Readonly<Record<string, string>>,
): Record<string, string> {
  const fallback = `${prefix}certificate-arn` in annotations ? '[{"HTTPS":443}]' : '[{"HTTP":80}]'
  const listenPorts = annotations[`${prefix}listen-ports`] ?? fallback
  try {
    const entries = JSON.parse(listenPorts) as Record<string, number>[]
    return Object.fromEntries(
      entries.flatMap((entry) =>
        Object.entries(entry).map(([protocol, port]) => [String(port), protocol]),
      ),
    )
  } catch {
    return {}
  }
}
