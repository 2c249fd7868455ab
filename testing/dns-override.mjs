/**
 * The simulator's DNS. Preloaded into a process (`--import`), it resolves the names in the JSON
 * file DNS_OVERRIDES, which is read at each lookup so that a scenario can change it. `*.suffix`
 * matches every name below the suffix. The value of a name is a list of addresses separated by
 * commas, or another name (a CNAME record). An empty value means that the name does not exist, `?`
 * that no server answers. All other names are resolved by the machine.
 */
import dns from 'node:dns'
import { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isIP } from 'node:net'

/**
 * Looks up a name: its alias, and the addresses at the end of the aliases; undefined if the name is
 * not overridden.
 */
const record = (name) => {
  const names = JSON.parse(readFileSync(process.env.DNS_OVERRIDES, 'utf8'))
  const text =
    names[name] ??
    Object.entries(names).find(
      ([pattern]) => pattern.startsWith('*.') && name.endsWith(pattern.slice(1)),
    )?.[1]
  if (text === undefined || text === '' || text === '?')
    return text === undefined ? undefined : { problem: text === '' ? 'ENOTFOUND' : 'EAI_AGAIN' }
  const values = text.split(',').map((value) => value.trim())
  if (isIP(values[0]) === 0) return { ...record(values[0]), alias: values[0] }
  return { addresses: values.map((address) => ({ address, family: isIP(address) })) }
}

const failure = (name, syscall, code) =>
  Object.assign(new Error(`${syscall} ${code} ${name}`), { code, syscall, hostname: name })

const { lookup } = dns
const { lookup: lookupPromise, resolveCname } = dns.promises

dns.lookup = (name, options, callback) => {
  const done = callback ?? options
  const found = record(name)
  if (found === undefined) return lookup(name, options, callback)
  if (!found.addresses) return process.nextTick(done, failure(name, 'getaddrinfo', found.problem))
  const [first] = found.addresses
  const all = typeof options === 'object' && options.all
  return process.nextTick(done, null, ...(all ? [found.addresses] : [first.address, first.family]))
}

dns.promises.lookup = async (name, options) => {
  const found = record(name)
  if (found === undefined) return lookupPromise(name, options)
  if (!found.addresses) throw failure(name, 'getaddrinfo', found.problem)
  return options?.all ? found.addresses : found.addresses[0]
}

dns.promises.resolveCname = async (name) => {
  const found = record(name)
  if (found === undefined) return resolveCname(name)
  if (found.alias === undefined) throw failure(name, 'queryCname', 'ENODATA')
  return [found.alias]
}

syncBuiltinESMExports()
