/** node.k8s.io/v1: RuntimeClass. The notation: wire/schema.ts. */
export const nodeApiMessages = `
RuntimeClass: 1 metadata ObjectMeta, 2 handler string!, 3 overhead *Overhead, 4 scheduling *Scheduling
Overhead: 1 podFixed {}Quantity
Scheduling: 1 nodeSelector {}string, 2 tolerations []Toleration
`;
