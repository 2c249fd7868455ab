import { afterEach, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { killProcess, killProcessTree, listProcessesWith } from '../../testing/process-tree.ts'
import { waitUntil } from '../../testing/wait.ts'

const variable = `MARKED_BY_TEST=${process.pid}-${Date.now()}`

afterEach(() => listProcessesWith(variable).forEach(killProcess))

test('a process whose parent was killed is found by its environment', async () => {
  const [name = '', value] = variable.split('=')
  const parent = spawn('/bin/sh', ['-c', 'sleep 60 & exec sleep 60'], {
    env: { ...process.env, [name]: value },
    stdio: 'ignore',
  })
  await waitUntil(() => listProcessesWith(variable).length === 2)
  killProcess(parent.pid ?? 0)
  await once(parent, 'exit')
  const [orphan = 0, ...others] = listProcessesWith(variable)
  expect(others).toEqual([])
  killProcessTree(orphan)
  await waitUntil(() => listProcessesWith(variable).length === 0)
})
