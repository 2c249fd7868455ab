import { expect, test } from '@jest/globals'
import { annotationPrefix as prefix } from '../../src/controller/annotations.ts'
import { parseListenPorts } from '../../src/controller/listen-ports.ts'

const listenPorts = (value: string) => ({ [`${prefix}listen-ports`]: value })

test.each<{
  name: string
  annotations: Record<string, string>
  expected: Record<string, string>
}>([
  { name: 'no annotation', annotations: {}, expected: { 80: 'HTTP' } },
  {
    name: 'a certificate',
    annotations: { [`${prefix}certificate-arn`]: 'arn' },
    expected: { 443: 'HTTPS' },
  },
  {
    name: 'another port than the default one of a certificate',
    annotations: { [`${prefix}certificate-arn`]: 'arn', ...listenPorts('[{"HTTPS":8443}]') },
    expected: { 8443: 'HTTPS' },
  },
  {
    name: 'several ports',
    annotations: listenPorts('[{"HTTP":80},{"HTTPS":443}]'),
    expected: { 80: 'HTTP', 443: 'HTTPS' },
  },
  {
    name: 'several ports in one object',
    annotations: listenPorts('[{"HTTP":80,"HTTPS":443}]'),
    expected: { 80: 'HTTP', 443: 'HTTPS' },
  },
  { name: 'an empty list', annotations: listenPorts('[]'), expected: {} },
  { name: 'no JSON', annotations: listenPorts('HTTPS:443'), expected: {} },
  { name: 'JSON that is not a list', annotations: listenPorts('{"HTTPS":443}'), expected: {} },
  { name: 'a list of something else', annotations: listenPorts('[null]'), expected: {} },
])('parseListenPorts: $name', ({ annotations, expected }) => {
  expect(parseListenPorts(annotations)).toEqual(expected)
})
