/**
 * Attributes of the load balancer that inputs set. The Ingress, the inspection of its class and the
 * rejection of the same attribute in input annotations follow from this table. Pure.
 */
const attributeInputs = [
  { attribute: 'idle_timeout.timeout_seconds', input: 'idle-timeout', setting: 'idleTimeout' },
] as const

type AttributeSettings = Readonly<
  Record<(typeof attributeInputs)[number]['setting'], string | number | boolean | undefined>
>

/** An attribute that an input sets. */
export interface LoadBalancerAttribute {
  readonly attribute: string
  readonly input: string
  readonly value: string
}

/** The attributes that the inputs set. An input without a value sets none. */
export function getAttributes(settings: AttributeSettings): LoadBalancerAttribute[] {
  const attributes: LoadBalancerAttribute[] = []
  for (const { attribute, input, setting } of attributeInputs) {
    const value: string | number | boolean | undefined = settings[setting]
    if (value !== undefined) attributes.push({ attribute, input, value: String(value) })
  }
  return attributes
}

/** The input that sets an attribute. */
export const findAttributeInput = (attribute: string): string | undefined =>
  attributeInputs.find((entry) => entry.attribute === attribute)?.input
