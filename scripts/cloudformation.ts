/** The policies in docs/permissions/cloudformation.yaml, which are those of the JSON files. */

/** The placeholders of the JSON files, as CloudFormation's Fn::Sub knows them. */
const substitutions: Readonly<Record<string, string>> = {
  PARTITION: '${AWS::Partition}',
  OTHER_TAG: '${OtherCertificatesTag}',
  REGION: '${AWS::Region}',
  ACCOUNT: '${AWS::AccountId}',
  CLUSTER: '${ClusterName}',
}

/**
 * Replaces the policies between the comments `# <FILE>` and `# </FILE>`. A policy is a text,
 * because CloudFormation replaces nothing in the keys of a map, where a condition names a tag.
 * @param readPolicy reads a file of docs/permissions
 */
export function replacePolicies(template: string, readPolicy: (file: string) => string): string {
  const region = /^( *)# <([\w-]+\.json)>\n[\s\S]*?^ *# <\/\2>$/gm
  return template.replace(region, (_region, indent: string, file: string) => {
    const policy = Object.entries(substitutions).reduce(
      (text, [placeholder, parameter]) => text.replaceAll(placeholder, parameter),
      readPolicy(file).trim(),
    )
    const lines = [
      `# <${file}>`,
      'PolicyDocument:',
      '  Fn::Sub: |',
      ...policy.split('\n').map((line) => `    ${line}`),
      `# </${file}>`,
    ]
    return lines.map((line) => indent + line).join('\n')
  })
}
