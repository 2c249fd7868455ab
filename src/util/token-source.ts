/**
 * A bearer token that is made anew before it ends. What the Kubernetes client and helm need of
 * whoever knows the identity.
 */
export interface TokenSource {
  /** A token with some minutes left. Cheap to call before every request. */
  token(): Promise<string>
  /** Forgets the token at hand, because the API said 401; the next call makes a new one. */
  invalidate(): void
}
