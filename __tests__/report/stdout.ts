/** What a call prints, for the commands by which the runner is talked to. */
export async function printed(work: () => unknown): Promise<string> {
  const write = process.stdout.write.bind(process.stdout)
  let text = ''
  process.stdout.write = (chunk: string | Uint8Array) => {
    text += chunk.toString()
    return true
  }
  try {
    await work()
  } finally {
    process.stdout.write = write
  }
  return text
}
