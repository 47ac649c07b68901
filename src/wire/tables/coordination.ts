/** coordination.k8s.io/v1: Lease. The notation: wire/schema.ts. */
export const coordinationMessages = `
Lease: 1 metadata ObjectMeta, 2 spec LeaseSpec
LeaseSpec: 1 holderIdentity *string, 2 leaseDurationSeconds *int, 3 acquireTime *MicroTime,
  4 renewTime *MicroTime, 5 leaseTransitions *int, 6 strategy *string, 7 preferredHolder *string
`;
