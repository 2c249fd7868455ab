/** Inputs that say how Helm changes the release. */
import { parseChartName, parseChartRepository } from '../chart.ts'
import { defineInputs } from '../declaration.ts'
import { boolean, map, path, string } from '../input-types.ts'
import { parseExactVersion } from '../names.ts'
import { parseHelmValues } from '../yaml.ts'

export const releaseInputs = defineInputs({
  values: {
    ...map(parseHelmValues),
    schemaType: 'tree',
    allowsPem: true,
    description:
      'Helm values to set, as a YAML map with the paths of the chart of the release. For Milvus ' +
      'as a subchart: `milvus: {proxy: {replicas: 2}}`. All other values of the release are ' +
      'kept. Secret values belong in `secret-values`, or in the secret `HELM_VALUES` of the ' +
      'reusable workflows.',
    example: 'proxy: {replicas: 2}',
  },
  'secret-values': {
    ...map(parseHelmValues),
    schemaType: 'tree',
    fleet: 'job',
    allowsPem: true,
    description:
      'Helm values that are secret, in the same form. They are merged over `values` as Helm ' +
      'merges files: maps by key, anything else is replaced, and null removes a value. Store ' +
      'them in one line, such as `{minio: {secretKey: ...}}`: GitHub masks each line of a ' +
      'secret, and drops job outputs that contain it.',
    example: '${{ secrets.HELM_VALUES }}',
  },
  'allow-chart-change': {
    ...boolean,
    description:
      '`true` lets Helm change more than the Service and what `values` sets: another ' +
      '`chart-version`, deleted objects, created or deleted StatefulSets and volume claims, a ' +
      'chart that was republished. `false` fails before any change and names them.',
    default: 'false',
  },
  chart: {
    ...path(parseChartName),
    description:
      'Chart of the release: a name in `chart-repository`, an `oci://` reference (with or ' +
      'without a tag or a digest), a path, the URL of an archive, or `ALIAS/NAME` in a ' +
      'repository that `helm repo add` added on the runner. For a release of an umbrella chart, ' +
      'the umbrella chart.',
    default: 'milvus',
  },
  'chart-repository': {
    ...string(parseChartRepository),
    description: 'URL of the chart repository, for a `chart` that is only a name.',
    default: 'https://zilliztech.github.io/milvus-helm/',
  },
  'chart-version': {
    ...string(parseExactVersion),
    description:
      'Exact version of the chart. A version other than the deployed one also needs ' +
      '`allow-chart-change`.',
    example: '5.0.19',
    defaultDescription: 'the deployed version, even if the repository has a newer one',
  },
  'chart-username': {
    ...string(),
    modes: ['deploy', 'destroy'],
    description:
      'User name for a private chart repository or OCI registry (`AWS` for ECR). Goes with ' +
      '`chart-password`.',
    example: 'AWS',
  },
  'chart-password': {
    ...string(),
    modes: ['deploy', 'destroy'],
    fleet: 'job',
    secret: true,
    description: 'Password or token of `chart-username`.',
    example: '${{ secrets.CHART_PASSWORD }}',
    required: 'unless `chart-username` is empty',
  },
})
