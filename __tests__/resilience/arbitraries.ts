/** Texts that no user should provide, and valid ones that were corrupted. */
import fc from 'fast-check'

/**
 * Texts with a special meaning to something that processes them: a terminal, the runner, Markdown,
 * YAML, JavaScript, a shell.
 */
const fragments = [
  '\0',
  '\u0007',
  '\u001b[31m',
  '\r',
  '\n',
  '\r\n',
  '\t',
  '\u0085',
  '\u00A0',
  '\u200D',
  '\u2028',
  '\u202E',
  '\uFEFF',
  '\uD800',
  '\uDC00',
  '\u{1F600}',
  'é',
  'e\u0301',
  'ß',
  '。',
  '%0A',
  '%',
  '\\n',
  '\\',
  '::error::x',
  '::add-mask::x',
  '##[error]x',
  '${{ secrets.X }}',
  '$HOME',
  '***',
  '`',
  '```',
  '~~~',
  '|',
  '<img src=x onerror=x>',
  '<!--',
  '](http://example.com)',
  '![',
  '@team',
  '# ',
  '- ',
  '> ',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'true',
  '~',
  '.nan',
  '.inf',
  '0x1F',
  '1e999',
  '-0',
  '9007199254740993',
  '012',
  '{}',
  '[]',
  '{',
  '[',
  '"',
  "'",
  ':',
  ': ',
  ',',
  ';',
  '=',
  '&a ',
  '*a',
  '<<: ',
  '!!binary ',
  '? ',
  '--- ',
  '-----BEGIN CERTIFICATE-----',
  '-----END CERTIFICATE-----',
  '-----BEGIN PRIVATE KEY-----',
  'a',
  'milvus',
  'arn:aws:acm:',
  '10.0.0.0/8',
  '::',
  '::/0',
  '10m',
  'alb.ingress.kubernetes.io/',
  ' ',
  '0',
] as const

const anyFragment = fc.constantFrom(...fragments)

/** Some hundred kilobytes: more than an environment variable can hold. */
const anyHugeText = fc
  .tuple(anyFragment, fc.constantFrom(...fragments, ''), fc.constantFrom(...fragments, ''))
  .map(
    ([repeated, before, after]) =>
      before + repeated.repeat(Math.ceil(200_000 / repeated.length)) + after,
  )

export const anyText = fc.oneof(
  { weight: 8, arbitrary: fc.array(anyFragment, { maxLength: 10 }).map((parts) => parts.join('')) },
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 60 }) },
  { weight: 2, arbitrary: fc.string({ maxLength: 400 }) },
)

/** Includes very long texts. */
export const anyLengthText = fc.oneof(
  { weight: 30, arbitrary: anyText },
  { weight: 1, arbitrary: anyHugeText },
)

/**
 * A position or length, as a fraction of the length of a text or bytes. Evenly distributed, which
 * fc.double would not be.
 */
const anyFraction = fc.nat(999).map((thousandths) => thousandths / 1000)

interface Edit {
  readonly kind: 'cut' | 'put' | 'double' | 'end'
  readonly position: number
  readonly length: number
  readonly insertion: string
}

const anyEdit = fc.record<Edit>({
  kind: fc.constantFrom('cut', 'put', 'put', 'double', 'end'),
  position: anyFraction,
  length: fc.nat(12),
  insertion: fc.oneof(anyFragment, fc.string({ maxLength: 3 })),
})

function applyEdit(text: string, { kind, position, length, insertion }: Edit): string {
  const start = Math.floor(position * text.length)
  if (kind === 'cut') return text.slice(0, start) + text.slice(start + length)
  if (kind === 'put') return text.slice(0, start) + insertion + text.slice(start)
  return kind === 'double'
    ? text.slice(0, start + length) + text.slice(start)
    : text.slice(0, start)
}

/** Texts with up to `maxEdits` edits; some are left as they are. */
export const corruptText = (texts: fc.Arbitrary<string>, maxEdits = 3): fc.Arbitrary<string> =>
  fc
    .tuple(texts, fc.array(anyEdit, { maxLength: maxEdits }))
    .map(([text, edits]) => edits.reduce(applyEdit, text))

/** Bytes of which some are changed, and which may be truncated or have bytes appended. */
export const corruptBytes = (bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      bytes,
      fc.array(fc.tuple(anyFraction, fc.integer({ min: 0, max: 255 })), { maxLength: 3 }),
      fc.constantFrom('', '', '', 'short', 'long'),
      fc.nat(40),
    )
    .map(([original, changes, end, length]) => {
      const corrupted = Buffer.from(original)
      for (const [position, byte] of changes)
        corrupted[Math.min(corrupted.length - 1, Math.floor(position * corrupted.length))] = byte
      if (end === 'short') return corrupted.subarray(0, -length)
      if (end === 'long') return Buffer.concat([corrupted, Buffer.alloc(length, 0x30)])
      return corrupted
    })
