/** The versions that the simulator imitates. docs/compatibility.md lists them. */
export const simulatedVersions = {
  kubernetes: 'v1.35.4',
  milvus: 'v2.6.15',
  controller: 'v3.5.0',
} as const
