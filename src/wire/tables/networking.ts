/** networking.k8s.io/v1: ServiceCIDR. The notation: wire/schema.ts. */
export const networkingMessages = `
ServiceCIDR: 1 metadata ObjectMeta, 2 spec ServiceCIDRSpec, 3 status ServiceCIDRStatus
ServiceCIDRSpec: 1 cidrs []string
ServiceCIDRStatus: 1 conditions []Condition
`;
