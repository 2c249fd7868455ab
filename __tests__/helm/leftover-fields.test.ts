import { expect, test } from '@jest/globals'
import { leftoverFields } from '../../src/helm/leftover-fields.ts'

const container = (more: object = {}) => ({ spec: { containers: [{ name: 'milvus', image: 'a', ...more }] } })
const env = (...names: string[]) => ({ env: names.map((name) => ({ name, value: 'x' })) })
const mounts = (...paths: string[]) => ({ volumeMounts: paths.map((mountPath) => ({ name: 'data', mountPath })) })

/** An object, and what is to be taken out of it. */
interface Case {
  readonly name: string
  readonly live: object
  readonly failed: object
  readonly kept: readonly object[]
  readonly expected: readonly string[]
}

const cases: readonly Case[] = [
  { name: 'nothing, where the next revision is the failed one again', live: container(env('A')), failed: container(env('A')), kept: [container(), container(env('A'))], expected: [] },
  { name: 'a label beside that of somebody else', live: { labels: { a: '1', team: 'x', theirs: '2' } }, failed: { labels: { a: '1', team: 'x' } }, kept: [{ labels: { a: '1' } }], expected: ['labels/team'] },
  { name: 'labels that are all of the failed revision', live: { labels: { team: 'x' } }, failed: { labels: { team: 'x' } }, kept: [{}], expected: ['labels'] },
  { name: 'labels of the failed revision, where there were none before and others have put theirs', live: { labels: { team: 'x', theirs: '2' } }, failed: { labels: { team: 'x' } }, kept: [{}], expected: ['labels/team'] },
  { name: 'what somebody else has changed since stays', live: { labels: { team: 'theirs', b: '1' } }, failed: { labels: { team: 'x' } }, kept: [{ labels: { b: '1' } }], expected: [] },
  { name: 'what helm had not yet applied', live: { labels: { b: '1' } }, failed: { labels: { b: '1', team: 'x' } }, kept: [{ labels: { b: '1' } }], expected: [] },
  { name: 'a probe, with what the API adds by itself', live: container({ livenessProbe: { httpGet: { path: '/', port: 1, scheme: 'HTTP' }, timeoutSeconds: 1 } }), failed: container({ livenessProbe: { httpGet: { path: '/', port: 1 } } }), kept: [container()], expected: ['spec/containers/0/livenessProbe'] },
  { name: 'variables, the last first', live: container(env('A', 'B', 'C', 'D')), failed: container(env('A', 'B', 'D')), kept: [container(env('A'))], expected: ['spec/containers/0/env/3', 'spec/containers/0/env/1'] },
  { name: 'a mount: it is known by its path, not by the name of its volume', live: container(mounts('/new', '/old')), failed: container(mounts('/new')), kept: [container(mounts('/old'))], expected: ['spec/containers/0/volumeMounts/0'] },
  { name: 'a container', live: { containers: [{ name: 'milvus' }, { name: 'exporter' }] }, failed: { containers: [{ name: 'exporter' }, { name: 'milvus' }] }, kept: [{ containers: [{ name: 'milvus' }] }], expected: ['containers/1'] },
  { name: 'a list that is replaced as a whole', live: { args: ['a', 'b'] }, failed: { args: ['a', 'b'] }, kept: [{ args: ['a'] }], expected: [] },
  { name: 'a list of one revision alone', live: { args: ['a', 'b'] }, failed: { args: ['a', 'b'] }, kept: [{}], expected: ['args'] },
]

test.each(cases)('$name', ({ live, failed, kept, expected }) => {
  const fields = leftoverFields(live, failed, kept)
  expect(fields.map(({ path }) => path.join('/'))).toEqual(expected)
  // Each field to remove must exist, and its test must hold beforehand.
  for (const { path, test: { path: place, value } } of fields) {
    expect(place.slice(0, path.length)).toEqual(path)
    expect(place.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], live)).toEqual(value)
  }
})
