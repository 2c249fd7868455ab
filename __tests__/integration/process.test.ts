/** The processes of the lab. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { Processes } from '../../integration/process.ts'
import { waitUntil } from '../../testing/wait.ts'

test('a process that ends by itself is reported, and started again until it is stopped', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'milvus-alb-processes-'))
  const messages: string[] = []
  const { error: printError } = console
  console.error = (message: string) => void messages.push(message)
  const processes = new Processes(directory, { handleSignals: false })
  const pidFile = join(directory, 'pids')
  const readPids = async (): Promise<number[]> =>
    (await readFile(pidFile, 'utf8')).split('\n').filter(Boolean).map(Number)
  const waitForPids = (count: number): Promise<boolean> =>
    waitUntil(async () => (await readPids()).length === count, {
      createError: () => new Error(`it was not started ${count} times`),
    })
  try {
    const stop = await processes.keepRunning({
      name: 'sleeper',
      command: '/bin/sh',
      args: ['-c', `echo $$ >> ${pidFile}; echo out of memory; exec sleep 600`],
      isReady: () => Promise.resolve(true),
    })
    await waitForPids(1)
    const [firstPid = 0] = await readPids()
    process.kill(firstPid, 'SIGKILL')
    await waitForPids(2)
    await stop()
    const [, secondPid = 0] = await readPids()
    expect(() => process.kill(secondPid, 0)).toThrow('ESRCH')
    expect(messages).toEqual(
      expect.arrayContaining([
        'sleeper of the lab ended by itself. Last log line: out of memory',
        'Restarting sleeper.',
      ]),
    )
    expect(messages).toHaveLength(2)
  } finally {
    await processes.close()
    console.error = printError
    await rm(directory, { recursive: true, force: true })
  }
})
