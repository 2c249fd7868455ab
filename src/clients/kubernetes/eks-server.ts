/** What the name of an EKS cluster's API server says. Pure. */

/** The domains of IPv4 and of IPv6 clusters, in all regions and in China. */
const eksServerName =
  /\.([a-z]{2}(?:-[a-z]+)+-\d+)\.(?:eks\.amazonaws\.com|eks\.amazonaws\.com\.cn|api\.aws|api\.amazonwebservices\.com\.cn)$/

/**
 * The region of the cluster that a URL belongs to. Source: EKS user guide, Cluster API server
 * endpoint.
 * @returns undefined for any other server, such as a proxy
 */
export const getServerRegion = (server: string): string | undefined =>
  eksServerName.exec(new URL(server).hostname)?.[1]
