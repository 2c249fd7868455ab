import { describe, expect, test } from '@jest/globals'
import { escapeMarkdown } from '../../src/reporting/markdown.ts'

describe('escapeMarkdown', () => {
  test.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['a & b &amp; c', 'a &amp; b &amp;amp; c'],
    ['| cell | end', '\\| cell \\| end'],
    ['![x](https://example.com/y.png)', '\\!\\[x\\](https:<!-- -->//example.com/y.png)'],
    ['`code` *bold* _it_ ~no~', '\\`code\\` \\*bold\\* \\_it\\_ \\~no\\~'],
    ['back\\slash \\| pipe', 'back\\\\slash \\\\\\| pipe'],
    ['one\ntwo\r\n  three', 'one<br>two<br>three'],
    ['# title', '\\# title'],
    ['a\rb\r\n\r\nc', 'a<br>b<br>c'],
    ['http://example.com', 'http:<!-- -->//example.com'],
    ['see WWW.example.com', 'see WWW<!-- -->.example.com'],
    ['root@example.com @owner', 'root@<!-- -->example.com @<!-- -->owner'],
    ['$HOME costs $5', '<span>$</span>HOME costs <span>$</span>5'],
    ['plain text, 1.2 (x)', 'plain text, 1.2 (x)'],
  ])('%j', (text, expected) => {
    expect(escapeMarkdown(text)).toBe(expected)
  })
})
