/** The log of a run as a terminal shows it: a runner interprets commands, and hides secrets. */

const decode = (text: string): string =>
  text
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll('%3A', ':')
    .replaceAll('%2C', ',')
    .replaceAll('%25', '%')

/** Source: GitHub, workflow commands. */
const commandPattern = /^::([a-z-]{1,40})( [^:]{0,2000})?::(.*)$/s

/** Shows the lines of a run one after the other. */
export class Terminal {
  private readonly secrets: string[] = []
  private indent = ''

  /** @returns what to print; undefined for a command that prints nothing */
  render(line: string): string | undefined {
    const [, command, properties = '', text = ''] = commandPattern.exec(line) ?? []
    if (command === undefined) return this.format(line)
    const value = decode(text)
    switch (command) {
      case 'group':
        this.indent = '  '
        return `\n${this.hide(value)}`
      case 'endgroup':
        this.indent = ''
        return undefined
      case 'add-mask':
        this.secrets.push(value)
        return undefined
      case 'error':
      case 'warning':
      case 'notice':
        return this.format(`${formatTitle(command, properties)}\n${value.replace(/^/gm, '  ')}`)
      default:
        return undefined
    }
  }

  private format(text: string): string {
    return this.hide(text).replace(/^/gm, this.indent)
  }

  private hide(text: string): string {
    return this.secrets.reduce((result, secret) => result.replaceAll(secret, '***'), text)
  }
}

/** `error: Milvus ALB: input-invalid in preflight` */
function formatTitle(command: string, properties: string): string {
  const [, title] = /title=([^,]{0,1000})/.exec(properties) ?? []
  return title === undefined ? `${command}:` : `${command}: ${decode(title)}`
}
