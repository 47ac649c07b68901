/** storage.k8s.io/v1: CSINode, CSIDriver. The notation: wire/schema.ts. */
export const storageMessages = `
CSINode: 1 metadata ObjectMeta, 2 spec CSINodeSpec
CSINodeSpec: 1 drivers []CSINodeDriver!
CSINodeDriver: 1 name string!, 2 nodeID string!, 3 topologyKeys []string!,
  4 allocatable *VolumeNodeResources
VolumeNodeResources: 1 count *int
CSIDriver: 1 metadata ObjectMeta, 2 spec CSIDriverSpec
CSIDriverSpec: 1 attachRequired *bool, 2 podInfoOnMount *bool, 3 volumeLifecycleModes []string,
  4 storageCapacity *bool, 5 fsGroupPolicy *string, 6 tokenRequests []TokenRequest,
  7 requiresRepublish *bool, 8 seLinuxMount *bool, 9 nodeAllocatableUpdatePeriodSeconds *int,
  10 serviceAccountTokenInSecrets *bool, 11 preventPodSchedulingIfMissing *bool
TokenRequest: 1 audience string!, 2 expirationSeconds *int
`;
