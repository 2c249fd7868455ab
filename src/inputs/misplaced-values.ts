/** Texts that are never the value of an input: placeholders, and PEM in the wrong place. */
import { InvalidInputError } from './invalid-input.ts'

/** Not quoted in errors: GitHub would mask what it shows of a secret. */
const placeholders: readonly {
  readonly pattern: RegExp
  readonly problem: string
  readonly remedy: string
}[] = [
  {
    pattern: /^\*{3}$/,
    problem: 'is ***, which GitHub shows in place of a secret.',
    remedy: 'Use the secret itself, for example ${{ secrets.NAME }}.',
  },
  {
    pattern: /^\$\{\{[^}]*\}\}$/,
    problem: 'is an expression (${{ ... }}) that was not evaluated.',
    remedy:
      'Write the expression under "with:" in the workflow. ' +
      'GitHub does not evaluate it inside a secret, a variable or a file.',
  },
  {
    // Upper case only: a password may begin with a dollar sign.
    pattern: /^(\$[A-Z_][A-Z0-9_]*|\$\{[A-Z_][A-Z0-9_]*\}|\$env:\w+|%\w+%)$/,
    problem: 'is a shell variable, which "with:" does not expand.',
    remedy: 'Use ${{ env.NAME }}, or ${{ secrets.NAME }} for a secret.',
  },
  {
    pattern: /^(~|\$HOME|\$\{HOME\})\/\S*$/,
    problem: 'is a path that only a shell can expand.',
    remedy: 'Use the absolute path, for example /home/runner/.kube/config.',
  },
]

/** @throws InvalidInputError for a text that should have been replaced by a value */
export function rejectPlaceholder(raw: string): void {
  const placeholder = placeholders.find(({ pattern }) => pattern.test(raw.trim()))
  if (placeholder) throw new InvalidInputError(placeholder.problem, placeholder.remedy)
}

/**
 * Keeps a private key out of errors, which would show pieces of it that are not masked.
 * @throws InvalidInputError for PEM
 */
export function rejectPem(raw: string): void {
  if (!raw.includes('-----BEGIN')) return
  throw new InvalidInputError(
    'contains PEM, which this input does not accept.',
    'Use the input for it: certificate, private-key, certificate-chain, probe-ca, ' +
      'probe-certificate or probe-key.',
  )
}
