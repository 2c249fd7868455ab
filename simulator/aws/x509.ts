/**
 * @peculiar/x509, imported when Reflect has what it needs and not before: Jest loads what a
 *   module imports statically before it runs the module's first line.
 */
import 'reflect-metadata'

/** The library. Its types are imported as types from the package itself. */
export const x509 = await import('@peculiar/x509')
