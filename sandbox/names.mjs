/**
 * The sandbox's DNS: preloaded into a process (`--import`), it answers the names in the JSON file SANDBOX_NAMES, read at
 * each look-up so that a scenario can change it. `*.suffix` stands for every name below; an empty address means that the
 * name does not exist. Every other name goes to the machine's resolver.
 */
import dns from 'node:dns'
import { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const address = (name) => {
  const names = JSON.parse(readFileSync(process.env.SANDBOX_NAMES, 'utf8'))
  return names[name] ?? Object.entries(names).find(([pattern]) => pattern.startsWith('*.') && name.endsWith(pattern.slice(1)))?.[1]
}

const notFound = (name) => Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: name })

const { lookup } = dns
const lookupPromise = dns.promises.lookup

dns.lookup = (name, options, callback) => {
  const done = callback ?? options
  const found = address(name)
  if (found === undefined) return lookup(name, options, callback)
  if (found === '') return process.nextTick(done, notFound(name))
  const all = typeof options === 'object' && options.all
  return process.nextTick(done, null, ...(all ? [[{ address: found, family: 4 }]] : [found, 4]))
}

dns.promises.lookup = async (name, options) => {
  const found = address(name)
  if (found === undefined) return lookupPromise(name, options)
  if (found === '') throw notFound(name)
  return options?.all ? [{ address: found, family: 4 }] : { address: found, family: 4 }
}

syncBuiltinESMExports()
