/**
 * Imports @peculiar/x509 dynamically, after reflect-metadata: Jest loads all static imports of a
 * module before it evaluates any of them.
 */
import 'reflect-metadata'

/** The library. Import its types from the package itself. */
export const x509 = await import('@peculiar/x509')
