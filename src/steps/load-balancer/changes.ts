/** A latch: changes that came while nobody waited are not lost. */
export class Changes {
  private pending = false
  private waiter: (() => void) | undefined

  notify(): void {
    this.pending = true
    this.waiter?.()
  }

  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.waiter = () => {
        this.pending = false
        this.waiter = undefined
        resolve()
      }
      const forget = () => {
        this.waiter = undefined
        resolve()
      }
      signal.addEventListener('abort', forget, { once: true })
      if (this.pending) this.waiter()
    })
  }
}
