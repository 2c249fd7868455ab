/** Runs commands. */
import { spawn } from 'node:child_process'

/** The output of a command. */
export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a command to completion.
 * @throws Error with the last lines of its output when it fails
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string } = {},
): Promise<CommandResult> {
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal)
  process.on('SIGTERM', forward).on('SIGINT', forward)
  const [stdoutChunks, stderrChunks]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => stdoutChunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderrChunks.push(chunk))
  // The command may end without having read its input.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  try {
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('close', resolve),
    )
    const [stdout, stderr] = [
      Buffer.concat(stdoutChunks).toString(),
      Buffer.concat(stderrChunks).toString(),
    ]
    if (code === 0) return { stdout, stderr }
    const commandLine = [command, ...args].join(' ').slice(0, 200)
    const lastLines = (stderr + stdout).trimEnd().split('\n').slice(-15).join('\n')
    throw new Error(`${commandLine} ended with ${code ?? child.signalCode ?? ''}:\n${lastLines}`)
  } finally {
    process.off('SIGTERM', forward).off('SIGINT', forward)
  }
}
