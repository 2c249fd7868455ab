/**
 * Preloaded into a process (`--import`), it sets its clock: CLOCK_OFFSET milliseconds ahead of the
 * machine's, or behind it when negative.
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
