import { View } from '../wire/view.ts';

/*
 * What hollow nodes read of the objects that they get. Only that is decoded (under JSON all of it is), so whoever reads
 * more has to ask for it here.
 */

/** All of metadata but managedFields, which are most of it and nobody's business on a node. */
const metadata = {
  name: true,
  generateName: true,
  namespace: true,
  uid: true,
  resourceVersion: true,
  generation: true,
  creationTimestamp: true,
  deletionTimestamp: true,
  deletionGracePeriodSeconds: true,
  labels: true,
  annotations: true,
  ownerReferences: true,
  finalizers: true,
} as const;

/** A pod that a kubelet is to run. */
export const podView = new View({ metadata, spec: true, status: true });

/** A pod whose status is about to be written. */
export const podStatusView = new View({ metadata: { uid: true, deletionTimestamp: true }, status: true });

/** The node's lease: a kubelet sends back all that it was given, with another time. */
export const leaseView = new View({ metadata: 'opaque', spec: true });

/** The node's own object: not its images, which are most of it. */
export const nodeView = new View({
  metadata: { name: true, uid: true, labels: true, annotations: true },
  spec: true,
  status: { conditions: true, volumesAttached: true },
});

/** The node's own object until its kubelet has written all of its status once. */
export const wholeNodeView = new View({
  metadata: { name: true, uid: true, labels: true, annotations: true },
  spec: true,
  status: true,
});

/** Whether a claim has a volume, and which, and whether it may still be used. */
export const claimView = new View({
  metadata: { name: true, uid: true, deletionTimestamp: true, finalizers: true },
  spec: { volumeName: true },
  status: { phase: true },
});

/** Who an object is. */
export const identityView = new View({ metadata: { name: true, uid: true } });
