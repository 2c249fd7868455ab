/** Wakes a waiter after a change, also after one that came while nobody was waiting. */
export class ChangeSignal {
  private hasPendingChange = false
  private resumeWaiter: (() => void) | undefined

  notify(): void {
    this.hasPendingChange = true
    this.resumeWaiter?.()
  }

  waitForChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.resumeWaiter = () => {
        this.hasPendingChange = false
        this.resumeWaiter = undefined
        resolve()
      }
      const onAbort = () => {
        this.resumeWaiter = undefined
        resolve()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      if (this.hasPendingChange) this.resumeWaiter()
    })
  }
}
