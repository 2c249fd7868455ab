/** What moto does not check: the resources and conditions of policies, and tags of an import. */
import type { Authorize } from '../../simulator/aws/server.ts'
import type { HttpRequest } from '../../simulator/aws/signature.ts'
import { accessDeniedCode } from './aws-replies.ts'
import type { AwsClient } from './aws-client.ts'
import { mutatingOperations, type AwsRequest } from './aws-requests.ts'

type AuthorizedCall = Omit<AwsRequest, 'accessKeyId'> & { readonly principal: string }

/** Why IAM denies a call; undefined when it does not. */
export async function findDenial(
  iam: { readonly authorize: Authorize },
  client: AwsClient,
  call: AuthorizedCall,
  { body }: HttpRequest,
): Promise<{ status: number; code: string; message: string } | undefined> {
  const { service, operation, principal, resource } = call
  const request = readTags(service === 'acm' ? body.toString() : '')
  const tags = { request, resource: await fetchCertificateTags(client, call) }
  // An import with tags also requires the permission to tag (hashicorp/terraform-provider-aws
  // #11903). moto does not check this.
  const isTagged = service === 'acm' && operation === 'ImportCertificate' && request.size > 0
  const action = [operation, ...(isTagged ? ['AddTagsToCertificate'] : [])]
    .map((each) => `${service}:${each}`)
    .find((each) => !iam.authorize(principal, each, resource, tags))
  if (action === undefined) return undefined
  return {
    status: service === 'acm' || service === 'secretsmanager' ? 400 : 403,
    code: accessDeniedCode(service),
    message:
      `User: ${principal} is not authorized to perform: ${action} on resource: ${resource} ` +
      `because no identity-based policy allows the ${action} action`,
  }
}

/** The tags of the certificate that a call changes. */
async function fetchCertificateTags(
  client: AwsClient,
  { service, operation, resource }: AuthorizedCall,
): Promise<Map<string, string>> {
  const isChange = service === 'acm' && mutatingOperations.test(operation)
  if (!isChange || resource.endsWith('*')) return new Map()
  const tags = await client
    .target('acm', 'CertificateManager.ListTagsForCertificate', { CertificateArn: resource })
    .catch(() => '{}')
  return readTags(tags)
}

/** The tags in a request or response of ACM. */
function readTags(json: string): Map<string, string> {
  if (!json.includes('"Tags"')) return new Map()
  const { Tags = [] } = JSON.parse(json) as { Tags?: { Key: string; Value?: string }[] }
  return new Map(Tags.map(({ Key, Value = '' }) => [Key, Value]))
}
