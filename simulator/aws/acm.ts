/** AWS Certificate Manager for imported certificates (ACM API reference and user guide). */
import { randomUUID } from 'node:crypto'
import { getAcmCertificateDetails, getInUseBy } from './acm-certificate.ts'
import { describeCertificate, getStatus, toSummary } from './acm-descriptions.ts'
import { checkImport, checkReimport } from './acm-import.ts'
import {
  getNumber,
  getStructure,
  toTagList,
  readTags,
  getString,
  getStringList,
  type Fields,
} from './fields.ts'
import {
  AwsError,
  paginate,
  type OperationCall,
  type Operation,
  type AwsService,
} from './service.ts'
import type { AcmCertificate } from './state.ts'

const arnPattern = /^arn:[\w+=/,.@-]+:acm:([\w+=/,.@-]*):([0-9]+):[\w+=,.@-]+(\/[\w+=,.@-]+)*$/
const maxTags = 50

/** ACM's yearly quota of imports. Old accounts have 20 (aws/aws-cdk #5889). */
const yearlyImportQuota = 5_000

function findCertificate(
  { input, state, principal }: OperationCall,
  operation: string,
  member = 'CertificateArn',
): AcmCertificate {
  const arn = getString(input, member) ?? ''
  const [, , account] = arnPattern.exec(arn) ?? []
  if (account === undefined) {
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value '${arn}' at 'certificateArn' failed to satisfy ` +
        'constraint: Member must satisfy regular expression pattern: ' +
        arnPattern.source.slice(1, -1),
    )
  }
  // Certificates have no resource policy: those of another account are always inaccessible.
  if (account !== state.account) {
    throw new AwsError(
      'AccessDeniedException',
      `User: ${principal} is not authorized to perform: acm:${operation} on resource: ${arn}`,
    )
  }
  const certificate = state.certificates.get(arn)
  // This includes ARNs of other regions.
  if (!certificate)
    throw new AwsError('ResourceNotFoundException', `Could not find certificate ${arn}.`)
  return certificate
}

function checkTags(
  newTags: ReadonlyMap<string, string>,
  existingTags: ReadonlyMap<string, string> = new Map(),
): void {
  for (const [key, value] of newTags) {
    if (key.toLowerCase().startsWith('aws:'))
      throw new AwsError(
        'InvalidTagException',
        `Invalid Tag Key: "${key}". AWS internal tags cannot be changed with this API`,
      )
    if (
      key === '' ||
      key.length > 128 ||
      value.length > 256 ||
      !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(key + value)
    ) {
      throw new AwsError(
        'ValidationException',
        `Value '${key}=${value}' at 'tags' failed to satisfy constraint: ` +
          'Member must satisfy regular expression pattern: ' +
          '[\\p{L}\\p{Z}\\p{N}_.:\\/=+\\-@]*',
      )
    }
  }
  if (new Set([...existingTags.keys(), ...newTags.keys()]).size > maxTags)
    throw new AwsError('TooManyTagsException', `the TagSet contains too many Tags`)
}

/**
 * Every import without an ARN creates a certificate, even of the same PEM: ACM has no idempotency
 * token for imports.
 */
function importCertificate(call: OperationCall): Fields {
  const { input, state, now } = call
  const requestedTags = readTags(input)
  const arn = getString(input, 'CertificateArn')
  const existing = arn === undefined ? undefined : findCertificate(call, 'ImportCertificate')
  if (existing && Array.isArray(input['Tags']))
    throw new AwsError('ValidationException', 'Tagging is not permitted on re-import.')
  checkTags(requestedTags)
  const { details, ...imported } = checkImport(input, now)
  const importedAt = new Date(now)
  if (existing) {
    checkReimport(
      { keyAlgorithm: existing.keyAlgorithm, details: getAcmCertificateDetails(existing) },
      { details, ...imported },
    )
    // It is not documented whether a re-import counts against the quota. Here it does not.
    Object.assign(existing, imported, { importedAt })
    return { CertificateArn: existing.arn }
  }
  state.remainingImports ??= yearlyImportQuota
  if (state.remainingImports <= 0) {
    throw new AwsError(
      'LimitExceededException',
      'You have reached the maximum number of certificates. Delete certificates that are not ' +
        'in use, or contact AWS Support to request an increase.',
    )
  }
  state.remainingImports -= 1
  const created: AcmCertificate = {
    arn: `arn:aws:acm:${state.region}:${state.account}:certificate/${randomUUID()}`,
    ...imported,
    importedAt,
    tags: requestedTags,
  }
  state.certificates.set(created.arn, created)
  return { CertificateArn: created.arn }
}

function listCertificates(call: OperationCall): Fields {
  const { input, state, now } = call
  const includes = getStructure(input, 'Includes')
  const [keyTypes, statuses] = [
    getStringList(includes, 'keyTypes'),
    getStringList(input, 'CertificateStatuses'),
  ]
  const [keyUsage, extendedKeyUsage] = [
    getStringList(includes, 'keyUsage'),
    getStringList(includes, 'extendedKeyUsage'),
  ]
  const pageSize = getNumber(input, 'MaxItems') ?? 1000
  if (pageSize < 1 || pageSize > 1000)
    throw new AwsError('InvalidArgsException', `MaxItems must be between 1 and 1000`)
  const matching = [...state.certificates.values()].filter((certificate) => {
    const details = getAcmCertificateDetails(certificate)
    // The documentation of the default filter is contradictory: ListCertificates names RSA_2048;
    // Filters, and the comment of the SDK, name RSA_1024 and RSA_2048 with at least one domain.
    // This is the latter, which is newer.
    const matchesKeyType =
      keyTypes.length > 0
        ? keyTypes.includes(certificate.keyAlgorithm)
        : ['RSA_1024', 'RSA_2048'].includes(certificate.keyAlgorithm) && details.names.length > 0
    return (
      matchesKeyType &&
      (statuses.length === 0 || statuses.includes(getStatus(certificate, now))) &&
      keyUsage.every((usage) => usage === 'ANY' || details.keyUsages?.includes(usage)) &&
      extendedKeyUsage.every(
        (usage) => usage === 'ANY' || details.extendedKeyUsages?.some(({ Name }) => Name === usage),
      )
    )
  })
  if (getString(input, 'SortBy') === 'CREATED_AT') {
    const direction = getString(input, 'SortOrder') === 'DESCENDING' ? -1 : 1
    matching.sort((a, b) => direction * (a.importedAt.getTime() - b.importedAt.getTime()))
  }
  const { items, next } = paginate(matching, pageSize, getString(input, 'NextToken'))
  return {
    CertificateSummaryList: items.map((certificate) => toSummary(certificate, call)),
    ...(next === undefined ? {} : { NextToken: next }),
  }
}

const operations: Record<string, Operation> = {
  ImportCertificate: importCertificate,
  DescribeCertificate: (call) => ({
    Certificate: describeCertificate(findCertificate(call, 'DescribeCertificate'), call),
  }),
  ListCertificates: listCertificates,
  GetCertificate: (call) => {
    const { certificate, chain, arn, describeOverrides } = findCertificate(call, 'GetCertificate')
    // Source: ACM, GetCertificate: it fails for certificates that are not issued.
    if (
      ['PENDING_VALIDATION', 'VALIDATION_TIMED_OUT', 'FAILED'].includes(
        describeOverrides?.Status ?? '',
      )
    )
      throw new AwsError(
        'RequestInProgressException',
        `Certificate request ${arn} is not complete.`,
      )
    // Without a chain, ACM returns the certificate as its own chain (amazon.aws,
    // plugins/module_utils/acm.py).
    return { Certificate: certificate, CertificateChain: chain === '' ? certificate : chain }
  },
  ListTagsForCertificate: (call) => ({
    Tags: toTagList(findCertificate(call, 'ListTagsForCertificate').tags),
  }),
  AddTagsToCertificate: (call) => {
    const certificate = findCertificate(call, 'AddTagsToCertificate')
    const newTags = readTags(call.input)
    checkTags(newTags, certificate.tags)
    for (const [key, value] of newTags) certificate.tags.set(key, value)
    return {}
  },
  RemoveTagsFromCertificate: (call) => {
    const certificate = findCertificate(call, 'RemoveTagsFromCertificate')
    const tagsToRemove = call.input['Tags']
    for (const tag of Array.isArray(tagsToRemove) ? tagsToRemove : []) {
      const fields = getStructure({ tag }, 'tag')
      const [key, value] = [getString(fields, 'Key') ?? '', getString(fields, 'Value')]
      // If a value is given, the tag is removed only when it has this value.
      if (value === undefined || certificate.tags.get(key) === value) certificate.tags.delete(key)
    }
    return {}
  },
  DeleteCertificate: (call) => {
    const certificate = findCertificate(call, 'DeleteCertificate')
    if (getInUseBy(call.state, certificate.arn).length > 0) {
      throw new AwsError(
        'ResourceInUseException',
        `Certificate ${certificate.arn} in account ${call.state.account} is in use.`,
      )
    }
    call.state.certificates.delete(certificate.arn)
    return {}
  },
}

/** AWS Certificate Manager. */
export const acm: AwsService = {
  logName: 'acm',
  name: 'acm',
  protocol: 'json',
  getResource: (operation, { input, state }) =>
    operation === 'ListCertificates'
      ? '*'
      : (getString(input, 'CertificateArn') ??
        `arn:aws:acm:${state.region}:${state.account}:certificate/*`),
  getTags: ({ input, state }) => ({
    request: readTags(input),
    resource: state.certificates.get(getString(input, 'CertificateArn') ?? '')?.tags ?? new Map(),
  }),
  // An import with tags also needs the permission to tag (hashicorp/terraform-provider-aws #11903).
  additionalActions: (operation, input) =>
    operation === 'ImportCertificate' && input['Tags'] !== undefined
      ? ['AddTagsToCertificate']
      : [],
  operations,
}
