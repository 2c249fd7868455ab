/** @peculiar/x509, which requires that reflect-metadata is imported first. */
import 'reflect-metadata'

export * as x509 from '@peculiar/x509'
