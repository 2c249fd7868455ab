// Jest's transform: Node's own type stripping, so tests run the same source that Node would, line
// for line.
import { stripTypeScriptTypes } from 'node:module'

export default { process: (source) => ({ code: stripTypeScriptTypes(source) }) }
