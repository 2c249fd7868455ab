/** Signed requests to moto for services whose SDK is not a dependency: IAM, EC2, EKS, STS. */
import { Hash } from '@smithy/core/serde'
import { SignatureV4 } from '@smithy/signature-v4'

/** An access key. */
export interface AwsKey {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** The versions of the query APIs. */
const apiVersions = {
  iam: '2010-05-08',
  ec2: '2016-11-15',
  sts: '2011-06-15',
  elasticloadbalancing: '2015-12-01',
}

/** SHA-256 with the interface that the signer requires. */
const sha256 = Hash.bind(null, 'sha256')

/** A client of one endpoint with one access key. */
export class AwsClient {
  private readonly endpoint: URL
  private readonly region: string
  private readonly key: AwsKey

  constructor(endpoint: string, region: string, key: AwsKey) {
    this.endpoint = new URL(endpoint)
    this.region = region
    this.key = key
  }

  /**
   * Calls an operation of a query API.
   * @returns the XML
   */
  query(
    service: keyof typeof apiVersions,
    action: string,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const body = new URLSearchParams({
      Action: action,
      Version: apiVersions[service],
      ...parameters,
    }).toString()
    return this.send(service, '/', body, { 'content-type': 'application/x-www-form-urlencoded' })
  }

  /** Calls an operation of a REST API with JSON. */
  post(service: string, path: string, body: object): Promise<string> {
    return this.send(service, path, JSON.stringify(body), { 'content-type': 'application/json' })
  }

  /** Calls an operation of a JSON API by its target. */
  target(service: string, target: string, body: object): Promise<string> {
    return this.send(service, '/', JSON.stringify(body), {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': target,
    })
  }

  private async send(
    service: string,
    path: string,
    body: string,
    contentHeaders: Readonly<Record<string, string>>,
  ): Promise<string> {
    const signer = new SignatureV4({ credentials: this.key, region: this.region, service, sha256 })
    const { host, hostname, port } = this.endpoint
    const { headers } = await signer.sign({
      method: 'POST',
      protocol: 'http:',
      hostname,
      port: Number(port),
      path,
      query: {},
      headers: { host, ...contentHeaders },
      body,
    })
    const response = await fetch(new URL(path, this.endpoint), { method: 'POST', headers, body })
    const text = await response.text()
    if (!response.ok)
      throw new Error(
        `${service} ${path} ${body.slice(0, 80)}: ${response.status} ${text.slice(0, 500)}`,
      )
    return text
  }
}

/** The text of the first element with a name. */
export function getElementText(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]
  if (text === undefined) throw new Error(`no ${name} in ${xml.slice(0, 500)}`)
  return text
}
