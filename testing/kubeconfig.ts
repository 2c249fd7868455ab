/** Renders a kubeconfig with one user as JSON, which is also valid YAML. */
export function renderKubeconfig(
  name: string,
  server: string,
  ca: string,
  user: { token?: string },
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': `admin@${name}`,
    contexts: [{ name: `admin@${name}`, context: { cluster: name, user: 'admin' } }],
    clusters: [
      {
        name,
        cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
      },
    ],
    users: [{ name: 'admin', user }],
  })
}
