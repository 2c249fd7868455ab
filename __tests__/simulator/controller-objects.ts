/** An Ingress as the controller's pure functions receive it. */
import type { Ingress } from '../../simulator/alb-controller/objects.ts'

export const PREFIX = 'alb.ingress.kubernetes.io/'

/** An Ingress with one path to Service svc. The names of annotations have no prefix here. */
export function ingress(
  annotations: Record<string, string>,
  path = '/',
  pathType = 'Prefix',
): Ingress {
  return {
    metadata: {
      name: 'ing',
      namespace: 'ns',
      uid: 'i',
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([name, value]) => [PREFIX + name, value]),
      ),
    },
    spec: {
      ingressClassName: 'alb',
      rules: [
        {
          host: 'a.example.com',
          http: {
            paths: [
              { path, pathType, backend: { service: { name: 'svc', port: { number: 19530 } } } },
            ],
          },
        },
      ],
    },
  }
}
