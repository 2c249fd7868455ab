import { expect, test } from '@jest/globals'
import { parseOutputs } from '../../src/fleet/deploy/outputs.ts'

test.each([
  ['no outputs', '', {}],
  ['a value on one line', 'drift=false\n', { drift: 'false' }],
  ['a value that contains an equals sign', 'arn=a=b\n', { arn: 'a=b' }],
  ['an empty value', 'drift=\n', { drift: '' }],
  ['a value up to its delimiter', 'changes<<EOF\na\nb=c\nd<<e\nEOF\n', { changes: 'a\nb=c\nd<<e' }],
  ['an empty value up to its delimiter', 'changes<<EOF\n\nEOF\n', { changes: '' }],
  ['a value that ends with line feeds', 'changes<<EOF\na\n\n\nEOF\n', { changes: 'a\n\n' }],
  ['several outputs', 'a<<EOF\n1\nEOF\nb=2\nc<<EOF\n3\nEOF\n', { a: '1', b: '2', c: '3' }],
  ['a name with two values', 'a=1\na<<EOF\n2\nEOF\n', { a: '2' }],
  ['a value whose delimiter was not written', 'a=1\nb<<EOF\nc=2\n', { a: '1' }],
  ['a name that every object inherits', '__proto__=1\n', Object.fromEntries([['__proto__', '1']])],
])('parses %s', (_, text, outputs) => {
  expect(parseOutputs(text)).toEqual(outputs)
})

test('parses what @actions/core writes on Windows', () => {
  const text = 'changes<<ghadelimiter\r\na\r\nb\r\nghadelimiter\r\ndrift=false\r\n'
  expect(parseOutputs(text, '\r\n')).toEqual({ changes: 'a\r\nb', drift: 'false' })
})
