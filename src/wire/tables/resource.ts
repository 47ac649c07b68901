/** resource.k8s.io/v1: ResourceSlice. The notation: wire/schema.ts. */
export const resourceMessages = `
ResourceSlice: 1 metadata ObjectMeta, 2 spec ResourceSliceSpec
ResourceSliceSpec: 1 driver string!, 2 pool ResourcePool, 3 nodeName *string, 4 nodeSelector *NodeSelector,
  5 allNodes *bool, 6 devices []Device, 7 perDeviceNodeSelection *bool, 8 sharedCounters []CounterSet
ResourcePool: 1 name string!, 2 generation int!, 3 resourceSliceCount int!
Device: 1 name string!, 2 attributes {}DeviceAttribute, 3 capacity {}DeviceCapacity,
  4 consumesCounters []DeviceCounterConsumption, 5 nodeName *string, 6 nodeSelector *NodeSelector,
  7 allNodes *bool, 8 taints []DeviceTaint, 9 bindsToNode *bool, 10 bindingConditions []string,
  11 bindingFailureConditions []string, 12 allowMultipleAllocations *bool,
  13 nodeAllocatableResourceMappings {}NodeAllocatableResourceMapping
DeviceAttribute: 2 int *int, 3 bool *bool, 4 string *string, 5 version *string, 6 ints []int,
  7 bools []bool, 8 strings []string, 9 versions []string
DeviceCapacity: 1 value Quantity!, 2 requestPolicy *CapacityRequestPolicy
CapacityRequestPolicy: 1 default *Quantity!, 3 validValues []Quantity,
  4 validRange *CapacityRequestPolicyRange
CapacityRequestPolicyRange: 1 min *Quantity, 2 max *Quantity, 3 step *Quantity
DeviceCounterConsumption: 1 counterSet string!, 2 counters {}Counter
Counter: 1 value Quantity!
DeviceTaint: 1 key string!, 2 value string, 3 effect string!, 4 timeAdded *Time
NodeAllocatableResourceMapping: 1 capacityKey *string, 2 allocationMultiplier *Quantity
CounterSet: 1 name string!, 2 counters {}Counter
`;
