import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { dnsFailure, resolveHost } from '../../../src/clients/milvus/dns.ts'

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

/** Source: libuv, "Thread pool work scheduling". */
const threadCount = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4)

test('a lookup ends at its timeout, although the system still waits for the DNS server', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dns-'))
  const pipe = join(directory, 'pipe')
  execFileSync('mkfifo', [pipe])
  // Each blocks a thread, as a server that does not answer: nobody writes to the pipe yet.
  const blocked = Array.from({ length: threadCount }, () => open(pipe, 'r'))
  // A lookup without a timeout would end now, and this process could not before.
  const answer = setTimeout(() => closeSync(openSync(pipe, constants.O_RDWR)), 2_000)
  try {
    await expect(resolveHost('localhost', 100)).rejects.toMatchObject({
      code: 'probe-dns-failed',
      message: expect.stringContaining('no answer within 0.1 s'),
    })
  } finally {
    clearTimeout(answer)
    const writer = openSync(pipe, constants.O_RDWR)
    for (const file of await Promise.all(blocked)) await file.close()
    closeSync(writer)
    await rm(directory, { recursive: true })
  }
})
