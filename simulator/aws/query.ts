/**
 * The AWS query protocol: requests are form fields, responses XML (Smithy, "AWS Query protocol").
 */
import { isFields, type Fields, type Value } from './fields.ts'

/** Parses form fields such as `A.member.1.B=x` as `{ A: [{ B: 'x' }] }`. */
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
 * A list is a structure with the single member `member`, whose members are numbered from 1. An
 * empty list is empty text.
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

/** A structure or a list as XML. */
export function toXml(value: Value, itemName = 'member'): string {
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

/** The response of an operation. */
export function formatQueryResponse(
  operation: string,
  namespace: string,
  output: Fields,
  requestId: string,
): string {
  return (
    `<${operation}Response xmlns="${namespace}">` +
    `<${operation}Result>${toXml(output)}</${operation}Result>` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>` +
    `</${operation}Response>`
  )
}

/** An error response. Its type says whether the client or the server caused it. */
export function formatQueryError(
  namespace: string,
  error: { code: string; message: string; status: number },
  requestId: string,
): string {
  const type = error.status < 500 ? 'Sender' : 'Receiver'
  return (
    `<ErrorResponse xmlns="${namespace}"><Error><Type>${type}</Type>` +
    `<Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message></Error>` +
    `<RequestId>${requestId}</RequestId></ErrorResponse>`
  )
}

/**
 * The response of an operation of EC2, which names list entries `item` and has no wrapper (Smithy,
 * "AWS EC2 query protocol").
 */
export function formatEc2Response(
  operation: string,
  namespace: string,
  output: Fields,
  requestId: string,
): string {
  return (
    `<${operation}Response xmlns="${namespace}"><requestId>${requestId}</requestId>` +
    `${toXml(output, 'item')}</${operation}Response>`
  )
}

/** An error response of EC2. */
export function formatEc2Error(
  _namespace: string,
  error: { code: string; message: string },
  requestId: string,
): string {
  return (
    `<Response><Errors><Error><Code>${escapeXml(error.code)}</Code>` +
    `<Message>${escapeXml(error.message)}</Message></Error></Errors>` +
    `<RequestID>${requestId}</RequestID></Response>`
  )
}
