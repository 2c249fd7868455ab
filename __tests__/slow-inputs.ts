/** The regular expressions of a source file, and the texts on which each takes longest. */
import { AST, RegExpParser, visitRegExpAST } from '@eslint-community/regexpp'
import ts from 'typescript'

/** Every literal of a source text. */
export function findRegexLiterals(source: string): RegExp[] {
  const literals: RegExp[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/')
      literals.push(new RegExp(node.text.slice(1, end), node.text.slice(end + 1)))
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('source.ts', source, ts.ScriptTarget.Latest, true))
  return literals
}

/**
 * Texts of about `length` characters: what comes before a repetition, once or again and again, what
 * the repetition matches, as often as possible, and an end that does not match.
 */
export function* slowInputs({ source, flags }: RegExp, length: number): Generator<string> {
  const parser = new RegExpParser()
  const pattern = parser.parsePattern(source, 0, source.length, {
    unicode: flags.includes('u'),
    unicodeSets: flags.includes('v'),
  })
  const repetitions: AST.Quantifier[] = []
  visitRegExpAST(pattern, { onQuantifierEnter: (node) => void repetitions.push(node) })
  for (const start of pattern.alternatives.map((node) => sampleNode(node, flags)))
    if (start !== '') yield start.repeat(length / start.length)
  for (const repetition of repetitions) {
    const prefix = samplePrefix(repetition, flags)
    for (const unit of listSamples(repetition.element, flags)) {
      if (unit === '') continue
      for (const end of ['\0', '\n\0'])
        yield prefix + unit.repeat((length - prefix.length) / unit.length) + end
      yield (prefix + unit).repeat(length / (prefix + unit).length) + '\0'
    }
  }
}

/** A text that everything before a node matches. */
function samplePrefix(node: AST.Node, flags: string): string {
  const { parent } = node
  if (!parent) return ''
  const siblings = parent.type === 'Alternative' ? parent.elements : []
  const before = siblings.slice(0, siblings.indexOf(node as AST.Element))
  return samplePrefix(parent, flags) + before.map((each) => sampleNode(each, flags)).join('')
}

/** A text that a node matches, for each of its alternatives. */
const listSamples = (node: AST.Element, flags: string): string[] =>
  node.type === 'Group' || node.type === 'CapturingGroup'
    ? node.alternatives.map((alternative) => sampleNode(alternative, flags))
    : [sampleNode(node, flags)]

function sampleNode(node: AST.Alternative | AST.Element, flags: string): string {
  switch (node.type) {
    case 'Alternative':
      return node.elements.map((element) => sampleNode(element, flags)).join('')
    case 'Quantifier':
      return sampleNode(node.element, flags).repeat(Math.max(1, node.min))
    case 'Group':
    case 'CapturingGroup':
      return node.alternatives[0] ? sampleNode(node.alternatives[0], flags) : ''
    case 'Character':
      return String.fromCodePoint(node.value)
    case 'CharacterSet':
    case 'CharacterClass':
      return sampleCharacter(node.raw, flags)
    // Assertions match no characters. A text that does not match is slow, too.
    case 'Assertion':
    case 'Backreference':
    case 'ExpressionCharacterClass':
      return ''
  }
}

/** The first character that a class such as `[^"]` matches. */
function sampleCharacter(characterClass: string, flags: string): string {
  const isMatch = new RegExp(`^${characterClass}$`, flags.replace(/[gm]/g, ''))
  for (let code = 32; code < 0x3000; code += 1)
    if (isMatch.test(String.fromCodePoint(code))) return String.fromCodePoint(code)
  return isMatch.test('\n') ? '\n' : ''
}
