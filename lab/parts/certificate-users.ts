/** Who uses a certificate, as ACM says it: load balancers, for as long as a listener of theirs has it. moto names listeners, also those that are gone, and deletes what is used. */
import type { AwsClient } from './aws-client.ts'

const all = (xml: string, name: string): string[] => [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) => text)

/** @returns their ARNs */
export async function usersOf(client: AwsClient, certificate: string): Promise<string[]> {
  const ask = (action: string, parameters = {}): Promise<string> => client.query('elasticloadbalancing', action, parameters)
  const holds = async (ListenerArn: string): Promise<boolean> => all(await ask('DescribeListenerCertificates', { ListenerArn }), 'CertificateArn').includes(certificate)
  const uses = async (LoadBalancerArn: string): Promise<boolean> => {
    const listeners = await ask('DescribeListeners', { LoadBalancerArn })
    return all(listeners, 'CertificateArn').includes(certificate) || (await Promise.all(all(listeners, 'ListenerArn').map(holds))).includes(true)
  }
  const balancers = all(await ask('DescribeLoadBalancers'), 'LoadBalancerArn')
  const used = await Promise.all(balancers.map(uses))
  return balancers.filter((_arn, index) => used[index])
}
