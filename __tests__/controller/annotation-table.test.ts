/** The tables of values contain every annotation that has a rule. */
import { expect, test } from '@jest/globals'
import { annotationTable } from '../../src/controller/annotation-table.ts'
import { acceptAnyValue } from '../../src/controller/annotation-validators.ts'
import { findDeclaration } from '../../src/controller/annotations.ts'
import { invalidValues, invalidValuesOfService } from './invalid-annotations.cases.ts'
import { validValues, validValuesOfService } from './valid-annotations.cases.ts'

/** The annotations with a rule that are not among the names. */
const findUntested = (testedNames: readonly string[]): string[] => {
  const tested = new Set(
    testedNames.map((name) => findDeclaration(`alb.ingress.kubernetes.io/${name}`)),
  )
  const rules = Object.entries(annotationTable).filter(
    ([, { validate }]) => validate !== acceptAnyValue,
  )
  return rules.flatMap(([name, declaration]) => (tested.has(declaration) ? [] : [name]))
}

test('each rule has a valid value', () => {
  expect(findUntested([...validValues, ...validValuesOfService].map(([name]) => name))).toEqual([])
})

test('each rule has an invalid value', () => {
  expect(
    findUntested([...invalidValues, ...invalidValuesOfService].map(({ name }) => name)),
  ).toEqual([])
})
