import type { ApiServerEndpoint, ClientIdentity } from './identity.ts';

/** Where a component of a control plane tells its metrics, and who may read them. */
export type ComponentEndpoint = {
  /** `kube-apiserver`, … */
  component: string;
  endpoint: ApiServerEndpoint;
  identity: ClientIdentity;
};
