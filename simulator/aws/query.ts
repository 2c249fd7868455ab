/**
 * The AWS query protocol (Smithy, "AWS Query protocol"): form fields with dotted names in, XML out.
 */
import type { Fields, Value } from './fields.ts'
import { isFields } from './fields.ts'

/** `A.member.1.B=x` as `{ A: [{ B: 'x' }] }`. */
export function parseForm(form: URLSearchParams): Fields {
  const root: Fields = {}
  for (const [name, value] of form) {
    const path = name.split('.')
    let node = root
    for (const segment of path.slice(0, -1)) {
      const next = node[segment]
      node = isFields(next) ? next : (node[segment] = {})
    }
    node[path.at(-1) ?? ''] = value
  }
  return collapseLists(root)
}

function collapseLists(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      isFields(value) ? collapseList(value) : value,
    ]),
  )
}

/**
 * A list is sent as the one member `member`, whose members are the numbers from 1. An empty list is
 * sent as empty text.
 */
function collapseList(fields: Fields): Value {
  const { member } = fields
  if (!isFields(member) || Object.keys(fields).length > 1) return collapseLists(fields)
  return Object.keys(member)
    .sort((a, b) => Number(a) - Number(b))
    .map((index) => {
      const item = member[index] ?? null
      return isFields(item) ? collapseLists(item) : item
    })
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}

function escapeXml(value: string): string {
  return value.replace(/[&<>"\r]/g, (character) => escapes[character] ?? character)
}

function toXml(value: Value, itemName = 'member'): string {
  if (Array.isArray(value))
    return value.map((item) => `<${itemName}>${toXml(item, itemName)}</${itemName}>`).join('')
  if (isFields(value))
    return Object.entries(value)
      .map(([name, item]) =>
        item === undefined ? '' : `<${name}>${toXml(item, itemName)}</${name}>`,
      )
      .join('')
  return value === null ? '' : escapeXml(String(value))
}

/** The answer to an operation. */
export function formatQueryResponse(
  operation: string,
  namespace: string,
  output: Fields,
  requestId: string,
): string {
  return (
    `<${operation}Response xmlns="${namespace}"><${operation}Result>${toXml(output)}</${operation}Result>` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`
  )
}

/** An error. Its type tells whose fault it was. */
export function formatQueryError(
  namespace: string,
  error: { code: string; message: string; status: number },
  requestId: string,
): string {
  const type = error.status < 500 ? 'Sender' : 'Receiver'
  return (
    `<ErrorResponse xmlns="${namespace}"><Error><Type>${type}</Type><Code>${escapeXml(error.code)}</Code>` +
    `<Message>${escapeXml(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`
  )
}

/**
 * The answer to an operation of EC2, whose protocol names list entries `item` and wraps nothing
 * (Smithy, "AWS EC2 query protocol").
 */
export function formatEc2Response(
  operation: string,
  namespace: string,
  output: Fields,
  requestId: string,
): string {
  return `<${operation}Response xmlns="${namespace}"><requestId>${requestId}</requestId>${toXml(output, 'item')}</${operation}Response>`
}

/** An error of EC2. */
export function formatEc2Error(
  _namespace: string,
  error: { code: string; message: string },
  requestId: string,
): string {
  return `<Response><Errors><Error><Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`
}
