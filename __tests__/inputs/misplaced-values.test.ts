import { describe, expect, test } from '@jest/globals'
import { rejectPlaceholder } from '../../src/inputs/misplaced-values.ts'
import { captureInvalidInput } from './capture-invalid-input.ts'

describe('rejectPlaceholder', () => {
  test.each<{ raw: string; expected: RegExp }>([
    { raw: '***', expected: /which GitHub shows in place of a secret/ },
    { raw: '${{ secrets.TLS_KEY }}', expected: /an expression .* that was not evaluated/ },
    { raw: '$TLS_KEY', expected: /a shell variable/ },
    { raw: '${TLS_KEY}', expected: /a shell variable/ },
    { raw: '$env:TLS_KEY', expected: /a shell variable/ },
    { raw: '%TLS_KEY%', expected: /a shell variable/ },
    { raw: '~/.kube/config', expected: /only a shell can expand/ },
    { raw: '$HOME/.kube/config', expected: /only a shell can expand/ },
  ])('rejects $raw', ({ raw, expected }) => {
    const { message, remedy } = captureInvalidInput(rejectPlaceholder, raw)
    expect([message, remedy]).toEqual([
      expect.stringMatching(expected),
      expect.stringMatching(/^(Use|Write) .+\.$/),
    ])
  })
  test.each([
    'milvus.example.com',
    'root:$ecret',
    '$ecret123',
    'a$b',
    '/home/runner/.kube/config',
    'price: $5',
    '**',
    '${{ a }} and more',
  ])('accepts %s', (raw) => {
    expect(() => rejectPlaceholder(raw)).not.toThrow()
  })
})
