/**
 * Preloaded into a process (`--import`), it shifts the clock by CLOCK_OFFSET milliseconds: ahead of
 * the machine's clock, or behind it when negative.
 */
const offset = Number(process.env.CLOCK_OFFSET ?? 0)
const MachineDate = Date

globalThis.Date = class extends MachineDate {
  constructor(...given) {
    super(...(given.length === 0 ? [MachineDate.now() + offset] : given))
  }

  static now() {
    return MachineDate.now() + offset
  }
}
