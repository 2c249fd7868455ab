/** The output of a call, which contains workflow commands. */
export async function captureStdout(callback: () => unknown): Promise<string> {
  const originalWrite = process.stdout.write.bind(process.stdout)
  let output = ''
  process.stdout.write = (chunk: string | Uint8Array) => {
    output += chunk.toString()
    return true
  }
  try {
    await callback()
  } finally {
    process.stdout.write = originalWrite
  }
  return output
}
