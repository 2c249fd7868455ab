/**
 * The users of a certificate as ACM reports them: the load balancers that have a listener with it.
 * moto reports listeners instead, including deleted ones, and deletes certificates that are in use.
 */
import type { AwsClient } from './aws-client.ts'

const getElements = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) => text)

/** @returns the ARNs of the load balancers */
export async function getInUseBy(client: AwsClient, certificate: string): Promise<string[]> {
  const query = (action: string, parameters = {}): Promise<string> =>
    client.query('elasticloadbalancing', action, parameters)
  const isCertificateOfListener = async (ListenerArn: string): Promise<boolean> =>
    getElements(
      await query('DescribeListenerCertificates', { ListenerArn }),
      'CertificateArn',
    ).includes(certificate)
  const isCertificateOfLoadBalancer = async (LoadBalancerArn: string): Promise<boolean> => {
    const listeners = await query('DescribeListeners', { LoadBalancerArn })
    return (
      getElements(listeners, 'CertificateArn').includes(certificate) ||
      (
        await Promise.all(getElements(listeners, 'ListenerArn').map(isCertificateOfListener))
      ).includes(true)
    )
  }
  const loadBalancerArns = getElements(await query('DescribeLoadBalancers'), 'LoadBalancerArn')
  const inUse = await Promise.all(loadBalancerArns.map(isCertificateOfLoadBalancer))
  return loadBalancerArns.filter((_arn, index) => inUse[index])
}
