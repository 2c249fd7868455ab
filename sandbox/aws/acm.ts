/** AWS Certificate Manager for imported certificates (ACM API reference and user guide). */
import { randomUUID } from 'node:crypto'
import { factsOf, usersOf } from './acm-certificate.ts'
import { checkImport, checkReimport } from './acm-import.ts'
import type { Fields } from './fields.ts'
import { number, structure, tagList, tags, text, texts } from './fields.ts'
import type { Call, Operation, Service } from './service.ts'
import { AwsError, page } from './service.ts'
import type { AcmCertificate } from './state.ts'

const arnPattern = /^arn:[\w+=/,.@-]+:acm:([\w+=/,.@-]*):([0-9]+):[\w+=,.@-]+(\/[\w+=,.@-]+)*$/
const maxTags = 50

/** ACM's quota of imports a year for accounts of today; older ones had 20 (aws/aws-cdk #5889). */
const importsPerYear = 5_000

const seconds = (date: Date) => date.getTime() / 1000

function certificateOf({ input, state, principal }: Call, operation: string, member = 'CertificateArn'): AcmCertificate {
  const arn = text(input, member) ?? ''
  const [, , account] = arnPattern.exec(arn) ?? []
  if (account === undefined) {
    throw new AwsError('ValidationException', `1 validation error detected: Value '${arn}' at 'certificateArn' failed to satisfy constraint: Member must satisfy regular expression pattern: ${arnPattern.source.slice(1, -1)}`)
  }
  // Certificates have no resource policy: another account's are out of reach, whether they exist or not.
  if (account !== state.account) {
    throw new AwsError('AccessDeniedException', `User: ${principal} is not authorized to perform: acm:${operation} on resource: ${arn}`)
  }
  const held = state.certificates.get(arn)
  // Another region's ARN too: this region's ACM does not know it.
  if (!held) throw new AwsError('ResourceNotFoundException', `Could not find certificate ${arn}.`)
  return held
}

function checkTags(added: ReadonlyMap<string, string>, held: ReadonlyMap<string, string> = new Map()): void {
  for (const [key, value] of added) {
    if (key.toLowerCase().startsWith('aws:')) throw new AwsError('InvalidTagException', `Invalid Tag Key: "${key}". AWS internal tags cannot be changed with this API`)
    if (key === '' || key.length > 128 || value.length > 256 || !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(key + value)) {
      throw new AwsError('ValidationException', `Value '${key}=${value}' at 'tags' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@]*`)
    }
  }
  if (new Set([...held.keys(), ...added.keys()]).size > maxTags) throw new AwsError('TooManyTagsException', `the TagSet contains too many Tags`)
}

/** Every import without an ARN makes a certificate, also of the same PEM again: ACM has no idempotency token for it. */
function importCertificate(call: Call): Fields {
  const { input, state, now } = call
  const given = tags(input)
  const arn = text(input, 'CertificateArn')
  const before = arn === undefined ? undefined : certificateOf(call, 'ImportCertificate')
  if (before && Array.isArray(input['Tags'])) throw new AwsError('ValidationException', 'Tagging is not permitted on re-import.')
  checkTags(given)
  const { facts, ...imported } = checkImport(input, now)
  const importedAt = new Date(now)
  if (before) {
    checkReimport({ keyAlgorithm: before.keyAlgorithm, facts: factsOf(before) }, { facts, ...imported })
    // Whether a re-import counts against the year is documented nowhere: it does not here.
    Object.assign(before, imported, { importedAt })
    return { CertificateArn: before.arn }
  }
  state.importsLeft ??= importsPerYear
  if (state.importsLeft <= 0) {
    throw new AwsError('LimitExceededException', 'You have reached the maximum number of certificates. Delete certificates that are not in use, or contact AWS Support to request an increase.')
  }
  state.importsLeft -= 1
  const fresh: AcmCertificate = { arn: `arn:aws:acm:${state.region}:${state.account}:certificate/${randomUUID()}`, ...imported, importedAt, tags: given }
  state.certificates.set(fresh.arn, fresh)
  return { CertificateArn: fresh.arn }
}

function status(held: AcmCertificate, now: number): string {
  return held.detail?.Status ?? ofDates(held, now)
}

function ofDates(held: AcmCertificate, now: number): string {
  return factsOf(held).notAfter.getTime() <= now ? 'EXPIRED' : 'ISSUED'
}

function describe(call: Call): Fields {
  const held = certificateOf(call, 'DescribeCertificate')
  const facts = factsOf(held)
  return {
    Certificate: {
      CertificateArn: held.arn,
      DomainName: facts.domainName,
      SubjectAlternativeNames: [...facts.names],
      Serial: facts.serial,
      Subject: facts.subject,
      Issuer: issuerName(facts.issuer),
      CreatedAt: seconds(held.importedAt),
      ImportedAt: seconds(held.importedAt),
      Status: status(held, call.now),
      NotBefore: seconds(facts.notBefore),
      NotAfter: seconds(facts.notAfter),
      // With a hyphen, unlike the enumeration (terraform-provider-aws, internal/service/acm/certificate.go).
      KeyAlgorithm: held.keyAlgorithm.replace(/^RSA_/, 'RSA-'),
      SignatureAlgorithm: facts.signatureAlgorithm,
      InUseBy: usersOf(call.state, held.arn),
      Type: 'IMPORTED',
      KeyUsages: (facts.keyUsages ?? ['ANY']).map((Name) => ({ Name })),
      ExtendedKeyUsages: (facts.extendedKeyUsages ?? []).map((usage) => ({ ...usage })),
      RenewalEligibility: 'INELIGIBLE',
      Options: { CertificateTransparencyLoggingPreference: 'DISABLED' },
      ...held.detail,
    },
  }
}

/** ACM names the authority by its common name, or by its organization. */
function issuerName(issuer: string): string {
  return /CN=([^,]+)/.exec(issuer)?.[1] ?? /O=([^,]+)/.exec(issuer)?.[1] ?? issuer
}

/** At most so many names are in a summary (API reference, CertificateSummary). */
const summaryNames = 100

function summary(held: AcmCertificate, { state, now }: Call): Fields {
  const facts = factsOf(held)
  return {
    CertificateArn: held.arn,
    DomainName: facts.domainName,
    SubjectAlternativeNameSummaries: facts.names.slice(0, summaryNames),
    HasAdditionalSubjectAlternativeNames: facts.names.length > summaryNames,
    Status: status(held, now),
    Type: 'IMPORTED',
    KeyAlgorithm: held.keyAlgorithm.replace(/^RSA_/, 'RSA-'),
    KeyUsages: [...(facts.keyUsages ?? ['ANY'])],
    ExtendedKeyUsages: (facts.extendedKeyUsages ?? []).map(({ Name }) => Name),
    InUse: usersOf(state, held.arn).length > 0,
    RenewalEligibility: 'INELIGIBLE',
    NotBefore: seconds(facts.notBefore),
    NotAfter: seconds(facts.notAfter),
    CreatedAt: seconds(held.importedAt),
    ImportedAt: seconds(held.importedAt),
  }
}

function list(call: Call): Fields {
  const { input, state, now } = call
  const includes = structure(input, 'Includes')
  const [keyTypes, statuses] = [texts(includes, 'keyTypes'), texts(input, 'CertificateStatuses')]
  const [keyUsage, extendedKeyUsage] = [texts(includes, 'keyUsage'), texts(includes, 'extendedKeyUsage')]
  const size = number(input, 'MaxItems') ?? 1000
  if (size < 1 || size > 1000) throw new AwsError('InvalidArgsException', `MaxItems must be between 1 and 1000`)
  const found = [...state.certificates.values()].filter((held) => {
    const facts = factsOf(held)
    // The docs disagree on what is left out by default: the page of ListCertificates says all but RSA_2048, that of Filters
    // (and the SDK's own comment) all but RSA_1024 and RSA_2048 with at least one domain. This is the latter, the newer one.
    const byKey = keyTypes.length > 0 ? keyTypes.includes(held.keyAlgorithm) : ['RSA_1024', 'RSA_2048'].includes(held.keyAlgorithm) && facts.names.length > 0
    return byKey && (statuses.length === 0 || statuses.includes(status(held, now))) &&
      keyUsage.every((usage) => usage === 'ANY' || facts.keyUsages?.includes(usage)) &&
      extendedKeyUsage.every((usage) => usage === 'ANY' || facts.extendedKeyUsages?.some(({ Name }) => Name === usage))
  })
  if (text(input, 'SortBy') === 'CREATED_AT') {
    const direction = text(input, 'SortOrder') === 'DESCENDING' ? -1 : 1
    found.sort((a, b) => direction * (a.importedAt.getTime() - b.importedAt.getTime()))
  }
  const { items, next } = page(found, size, text(input, 'NextToken'))
  return { CertificateSummaryList: items.map((held) => summary(held, call)), ...(next === undefined ? {} : { NextToken: next }) }
}

const operations: Record<string, Operation> = {
  ImportCertificate: importCertificate,
  DescribeCertificate: describe,
  ListCertificates: list,
  GetCertificate: (call) => {
    const { certificate, chain, arn, detail } = certificateOf(call, 'GetCertificate')
    // Source: ACM, GetCertificate: what is not issued has no certificate to give.
    if (['PENDING_VALIDATION', 'VALIDATION_TIMED_OUT', 'FAILED'].includes(detail?.Status ?? '')) throw new AwsError('RequestInProgressException', `Certificate request ${arn} is not complete.`)
    // Without a chain ACM gives the certificate itself as its chain (amazon.aws, plugins/module_utils/acm.py).
    return { Certificate: certificate, CertificateChain: chain === '' ? certificate : chain }
  },
  ListTagsForCertificate: (call) => ({ Tags: tagList(certificateOf(call, 'ListTagsForCertificate').tags) }),
  AddTagsToCertificate: (call) => {
    const held = certificateOf(call, 'AddTagsToCertificate')
    const added = tags(call.input)
    checkTags(added, held.tags)
    for (const [key, value] of added) held.tags.set(key, value)
    return {}
  },
  RemoveTagsFromCertificate: (call) => {
    const held = certificateOf(call, 'RemoveTagsFromCertificate')
    const given = call.input['Tags']
    for (const tag of Array.isArray(given) ? given : []) {
      const fields = structure({ tag }, 'tag')
      const [key, value] = [text(fields, 'Key') ?? '', text(fields, 'Value')]
      // With a value, the tag goes only when it has that value.
      if (value === undefined || held.tags.get(key) === value) held.tags.delete(key)
    }
    return {}
  },
  DeleteCertificate: (call) => {
    const held = certificateOf(call, 'DeleteCertificate')
    if (usersOf(call.state, held.arn).length > 0) {
      throw new AwsError('ResourceInUseException', `Certificate ${held.arn} in account ${call.state.account} is in use.`)
    }
    call.state.certificates.delete(held.arn)
    return {}
  },
}

/** The service. */
export const acm: Service = {
  part: 'acm',
  name: 'acm',
  protocol: 'json',
  resource: (operation, { input, state }) => operation === 'ListCertificates' ? '*'
    : text(input, 'CertificateArn') ?? `arn:aws:acm:${state.region}:${state.account}:certificate/*`,
  // Tags at creation ask for the permission to tag as well (hashicorp/terraform-provider-aws #11903).
  needs: (operation, input) => operation === 'ImportCertificate' && input['Tags'] !== undefined ? ['AddTagsToCertificate'] : [],
  operations,
}
