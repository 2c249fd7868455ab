/** ACM and ELB that send endless or malformed responses. Each case is a run of dist/. */
import { afterAll, afterEach, beforeAll, test } from '@jest/globals'
import { isFullRun } from './result-tables.ts'
import { expectHostileRun } from './hostile-run.ts'
import { flood } from './hostile-server.ts'
import {
  simulator,
  injectFault,
  megabyte,
  gigabyte,
  sendJson,
  startJsonResponse,
  sendEndlessHeaders,
  nextPageToken,
  type HostileCase,
  startFixture,
  removeAllFaults,
  stopFixture,
} from './hostile-api-fixture.ts'

beforeAll(startFixture)
afterEach(removeAllFaults)
afterAll(stopFixture)

const acmCases: readonly HostileCase[] = [
  {
    name: 'endless headers',
    respond: sendEndlessHeaders,
    outcome: 'aws-request-failed',
    messagePattern: /acm:ListCertificates.*Header overflow/,
    deadlineSeconds: 3,
  },
  {
    name: 'a response of 1 GB',
    respond: (response) => flood(startJsonResponse(response), megabyte, gigabyte),
    outcome: 'aws-request-failed',
    messagePattern: /The AWS request acm:ListCertificates failed: the response exceeds 8 MiB/,
  },
  {
    name: 'an error response of 1 GB',
    respond: (response) => flood(response.writeHead(400), megabyte, gigabyte),
    outcome: 'aws-request-failed',
    messagePattern: /the response exceeds 8 MiB/,
  },
  {
    name: 'malformed JSON',
    respond: (response) => sendJson(response, '{"CertificateSummaryList":[{'),
    outcome: 'aws-request-failed',
    messagePattern:
      /The AWS request acm:ListCertificates failed: the response did not come from AWS/,
  },
  {
    name: 'JSON of another structure',
    respond: (response) => sendJson(response, '{"CertificateSummaryList":5}'),
    outcome: 'aws-request-failed',
    messagePattern:
      /The AWS request acm:ListCertificates failed: the response did not come from AWS/,
  },
  {
    name: 'a list of nulls',
    respond: (response) => sendJson(response, '{"CertificateSummaryList":[null,null,1]}'),
    outcome: 'aws-request-failed',
    messagePattern:
      /The AWS request acm:ListCertificates failed: the response did not come from AWS/,
  },
  {
    name: 'a NextToken that always names another page',
    respond: (response) =>
      sendJson(response, `{"CertificateSummaryList":[],"NextToken":"${nextPageToken()}"}`),
    outcome: 'aws-request-failed',
    messagePattern: /acm:ListCertificates failed: the list does not end after 100 pages/,
    deadlineSeconds: 4,
  },
  {
    name: 'a NextToken that is always the same',
    respond: (response) => sendJson(response, '{"CertificateSummaryList":[],"NextToken":"again"}'),
    outcome: 'aws-request-failed',
    messagePattern: /does not end/,
    deadlineSeconds: 4,
  },
]

test.each(isFullRun ? acmCases : acmCases.slice(-1))(
  'a malformed response of ACM: $name',
  async ({ name, respond, outcome, messagePattern, deadlineSeconds = 1 }) => {
    injectFault({ service: 'acm', operation: 'ListCertificates', respond })
    await expectHostileRun(simulator, `ACM: ${name}`, { outcome, messagePattern, deadlineSeconds })
  },
)

/** The run polls ELB until load-balancer-timeout. */
const elbCases: readonly Pick<HostileCase, 'name' | 'respond' | 'messagePattern'>[] = [
  {
    name: 'a response of 1 GB',
    respond: (response) =>
      flood(response.writeHead(200, { 'content-type': 'text/xml' }), megabyte, gigabyte),
    messagePattern: /DescribeLoadBalancers failed: the response exceeds 8 MiB\.\n/,
  },
  {
    name: 'malformed XML',
    respond: (response) =>
      response
        .writeHead(200, { 'content-type': 'text/xml' })
        .end('<DescribeLoadBalancersResponse><DescribeLoadBalancersResult><member></'),
    messagePattern:
      /within 2 s: The AWS request elasticloadbalancing:DescribeLoadBalancers failed: .*[^.]\.\n/,
  },
  {
    name: 'XML with exponentially growing entities',
    respond: (response) =>
      response.writeHead(200, { 'content-type': 'text/xml' }).end(entityBomb()),
    // ELB, which shows no load balancer, cannot confirm the report of the controller.
    messagePattern: /within 2 s: the controller reports success, perhaps of an earlier version/,
  },
  {
    name: 'XML nested a million levels deep',
    respond: (response) =>
      response.writeHead(200, { 'content-type': 'text/xml' }).end('<a>'.repeat(1_000_000)),
    messagePattern:
      /within 2 s: The AWS request elasticloadbalancing:DescribeLoadBalancers failed: .*[^.]\.\n/,
  },
]

/** Ten entities, each ten times the size of the previous one. */
function entityBomb(): string {
  const entities = Array.from(
    { length: 10 },
    (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`,
  ).join('')
  return `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "xxxxxxxxxx">${entities}]><DescribeLoadBalancersResponse><DescribeLoadBalancersResult><LoadBalancers><member><DNSName>&e10;</DNSName></member></LoadBalancers></DescribeLoadBalancersResult></DescribeLoadBalancersResponse>`
}

test.each(isFullRun ? elbCases : elbCases.slice(0, 1))(
  'a malformed response of ELB: $name',
  async ({ name, respond, messagePattern }) => {
    injectFault({ service: 'elbv2', operation: 'DescribeLoadBalancers', respond })
    await expectHostileRun(simulator, `ELB: ${name}`, {
      inputs: { 'probe-timeout': '1s', 'load-balancer-timeout': '2s' },
      outcome: 'load-balancer-timeout',
      messagePattern,
      deadlineSeconds: 3,
    })
  },
)
