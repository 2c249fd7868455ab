import { expect, test } from '@jest/globals'
import { getDnsNames } from '../../src/x509/certificate.ts'
import { checkHost } from '../../src/x509/checks.ts'
import { authority, host, keyAlgorithm, parseLeaf } from './issued-certificates.ts'

const issueLeaf = async (hosts: string[], commonName?: string) =>
  parseLeaf(
    (await authority.issue({ hosts, keyAlgorithm, ...(commonName && { commonName }) })).certificate,
  )
const namedLeaf = await issueLeaf(['a.example.com', '*.b.example.com', '10.0.3.7'])
const leafWithoutNames = await issueLeaf([], host)

const problemPrefix = (name: string): string =>
  `The certificate does not cover ${name}: its names are a.example.com, *.b.example.com.`

test('getDnsNames excludes IP addresses', () => {
  expect(getDnsNames(namedLeaf)).toEqual(['a.example.com', '*.b.example.com'])
})

test.each([
  {
    name: 'no matching name',
    leaf: namedLeaf,
    checkedHost: host,
    message: problemPrefix(host),
  },
  {
    name: 'a wildcard that would have to cover two labels',
    leaf: namedLeaf,
    checkedHost: 'y.x.b.example.com',
    message: `${problemPrefix('y.x.b.example.com')} *.b.example.com covers exactly one label in place of the asterisk.`,
  },
  {
    name: 'the parent domain of a wildcard',
    leaf: namedLeaf,
    checkedHost: 'b.example.com',
    message: `${problemPrefix('b.example.com')} *.b.example.com covers exactly one label in place of the asterisk.`,
  },
  {
    name: 'only a matching common name',
    leaf: leafWithoutNames,
    checkedHost: host,
    message: `The certificate does not cover ${host}: it has no subject alternative names. Its common name matches, but many clients ignore it (Go, Java, browsers).`,
  },
  {
    name: 'neither a matching name nor common name',
    leaf: leafWithoutNames,
    checkedHost: 'other.example.com',
    message:
      'The certificate does not cover other.example.com: it has no subject alternative names.',
  },
  {
    name: 'only an IP address',
    leaf: await issueLeaf(['10.0.3.7']),
    checkedHost: host,
    message: `The certificate does not cover ${host}: its names are IP Address:10.0.3.7.`,
  },
  {
    name: 'an IP address, and a matching common name',
    leaf: await issueLeaf(['10.0.3.7', 'fd00::1'], host),
    checkedHost: host,
    message: `The certificate does not cover ${host}: its names are IP Address:10.0.3.7, IP Address:FD00:0:0:0:0:0:0:1.`,
  },
])('$name', ({ leaf, checkedHost, message }) => {
  expect(checkHost(leaf, checkedHost).map((problem) => problem.message)).toEqual([message])
})

test('accepts a host that a wildcard covers with one label', () => {
  expect(checkHost(namedLeaf, 'x.b.example.com')).toEqual([])
})
