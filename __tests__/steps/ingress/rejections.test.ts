/** What people should do about a write that the Kubernetes API rejected. */
import { expect, test } from '@jest/globals'
import { StatusError } from '../../../src/clients/kubernetes/request.ts'
import {
  translateApplyError,
  translateServiceDeletionError,
  translateServiceError,
} from '../../../src/steps/ingress/rejections.ts'

const conflict = new StatusError(409, { reason: 'Conflict', message: 'it has been modified' })
const denied = new StatusError(422, { reason: 'Invalid', message: 'denied by a policy' })
const namesTwice = new StatusError(422, {
  reason: 'Invalid',
  message: 'Duplicate value: "rest"',
  details: { causes: [{ reason: 'FieldValueDuplicate', field: 'spec.ports[1].name' }] },
})

test.each([
  {
    name: 'an apply of the Ingress, with a conflict',
    failure: translateApplyError('milvus', conflict),
    problem: 'The Kubernetes API rejected Ingress milvus: it has been modified',
    remedy: 'Something else changed the Ingress at the same time. Run the job again.',
  },
  {
    name: 'an apply of the Ingress',
    failure: translateApplyError('milvus', denied),
    problem: 'The Kubernetes API rejected Ingress milvus: denied by a policy',
    remedy: 'Correct what the message names (an input of this action, or a policy of the cluster)',
  },
  {
    name: 'an apply of the Service, with a conflict',
    failure: translateServiceError('milvus-rest', conflict),
    problem: 'rejected Service milvus-rest for the RESTful API: it has been modified',
    remedy: 'Something else changed the Service at the same time. Run the job again.',
  },
  {
    name: 'an apply of the Service with a port whose name is already taken',
    failure: translateServiceError('milvus-rest', namesTwice),
    problem: 'rejected Service milvus-rest for the RESTful API: Duplicate value: "rest"',
    remedy: 'Delete Service milvus-rest and run the job again',
  },
  {
    name: 'a deletion of the Service, with a conflict',
    failure: translateServiceDeletionError('milvus-rest', conflict),
    problem: 'rejected the deletion of Service milvus-rest for the RESTful API: it has been',
    remedy: 'The Service was recreated at the same time. Find out by whom',
  },
  {
    name: 'a deletion of the Service',
    failure: translateServiceDeletionError('milvus-rest', denied),
    problem: 'rejected the deletion of Service milvus-rest for the RESTful API: denied by',
    remedy: 'Correct what the message names (a policy of the cluster, for example)',
  },
])('$name', ({ failure, problem, remedy }) => {
  expect(failure.code).toBe('ingress-refused')
  expect(failure.message).toContain(problem)
  expect(failure.remedy).toContain(remedy)
})
