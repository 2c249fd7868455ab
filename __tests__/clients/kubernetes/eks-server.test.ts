import { expect, test } from '@jest/globals'
import { getServerRegion } from '../../../src/clients/kubernetes/eks-server.ts'

test.each<{ name: string; server: string; region: string | undefined }>([
  { name: 'IPv4', server: 'https://A1B2.gr7.us-east-2.eks.amazonaws.com', region: 'us-east-2' },
  { name: 'IPv6', server: 'https://A1B2.gr7.eu-west-1.api.aws', region: 'eu-west-1' },
  {
    name: 'GovCloud',
    server: 'https://A1B2.sk1.us-gov-west-1.eks.amazonaws.com',
    region: 'us-gov-west-1',
  },
  {
    name: 'China, IPv4',
    server: 'https://A1B2.sk1.cn-north-1.eks.amazonaws.com.cn:443/',
    region: 'cn-north-1',
  },
  {
    name: 'China, IPv6',
    server: 'https://A1B2.sk1.cn-northwest-1.api.amazonwebservices.com.cn',
    region: 'cn-northwest-1',
  },
  {
    name: 'a load balancer in front of the cluster',
    server: 'https://proxy-1a2b.elb.us-east-1.amazonaws.com',
    region: undefined,
  },
  { name: 'a name of the company', server: 'https://us-east-1.k8s.example.com', region: undefined },
  { name: 'an address', server: 'https://127.0.0.1:6443', region: undefined },
])('the region of an API server: $name', ({ server, region }) => {
  expect(getServerRegion(server)).toBe(region)
})
