/** Whether root still has the password that it has in every new Milvus. */

/** Source: milvus, pkg/util, UserRoot and DefaultRootPassword. */
export const defaultToken = 'root:Milvus'

/** Logs in once, however often the probe is repeated: many logins would look like an attack. */
export class DefaultLogin {
  private isAccepted: boolean | undefined

  /**
   * @param acceptsToken logs in; its error is not remembered
   * @returns whether Milvus accepts root's default password
   */
  async attempt(acceptsToken: (token: string) => Promise<boolean>): Promise<boolean> {
    const isAccepted = this.isAccepted ?? (await acceptsToken(defaultToken))
    this.isAccepted = isAccepted
    return isAccepted
  }
}
