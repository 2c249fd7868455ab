/** AWS' own clients with the credentials of the administrator. */
import type { TestEnvironment } from '../../testing/environment.ts'

/** Configuration of AWS clients for the administrator. */
export const getAwsClientConfig = ({
  aws: {
    endpoint,
    credentials: [administrator],
  },
  region,
}: TestEnvironment) => {
  if (!administrator) throw new Error('the environment has no AWS credentials')
  return {
    endpoint,
    region,
    credentials: {
      accessKeyId: administrator.accessKeyId,
      secretAccessKey: administrator.secretAccessKey,
    },
  }
}
