/** Bearer tokens for the Kubernetes client and Helm, renewed before they expire. */
export interface TokenSource {
  /** A token that is valid for some more minutes. Cheap to call before every request. */
  token(): Promise<string>
  /** Discards the cached token after a 401 response. The next call creates a new one. */
  invalidate(): void
}
