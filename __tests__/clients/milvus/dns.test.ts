import { expect, test } from '@jest/globals'
import { dnsFailure } from '../../../src/clients/milvus/dns.ts'

test.each([
  {
    code: 'ENOTFOUND',
    problem: 'Cannot resolve alb on this runner: the name does not exist (ENOTFOUND).',
    remedy: /caches "no such name" for another minute: increase probe-timeout/,
  },
  {
    code: 'ENODATA',
    problem: 'Cannot resolve alb on this runner: the name has no address records (ENODATA).',
    remedy: /caches "no such name"/,
  },
  {
    code: 'EAI_AGAIN',
    problem: 'Cannot resolve alb on this runner: the DNS server did not answer (EAI_AGAIN).',
    remedy: /says nothing about the ALB.*probe-address/,
  },
  {
    code: 'EAI_FAIL',
    problem: 'Cannot resolve alb on this runner: the DNS server failed (EAI_FAIL).',
    remedy: /resolv\.conf/,
  },
])('dnsFailure: $code', ({ code, problem, remedy }) => {
  const failure = dnsFailure('alb', Object.assign(new Error(code), { code }))
  expect([failure.code, failure.message, failure.remedy, failure.retryFor]).toEqual([
    'probe-dns-failed',
    problem,
    expect.stringMatching(remedy),
    Infinity,
  ])
})
