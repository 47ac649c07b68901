/** core/v1: Service, ConfigMap, Secret, Event. The notation: wire/schema.ts. */
export const coreMessages = `
Service: 1 metadata ObjectMeta, 2 spec ServiceSpec, 3 status ServiceStatus
ServiceSpec: 1 ports []ServicePort, 2 selector {}string, 3 clusterIP string, 4 type string,
  5 externalIPs []string, 7 sessionAffinity string, 8 loadBalancerIP string,
  9 loadBalancerSourceRanges []string, 10 externalName string, 11 externalTrafficPolicy string,
  12 healthCheckNodePort int, 13 publishNotReadyAddresses bool,
  14 sessionAffinityConfig *SessionAffinityConfig, 17 ipFamilyPolicy *string, 18 clusterIPs []string,
  19 ipFamilies []string, 20 allocateLoadBalancerNodePorts *bool, 21 loadBalancerClass *string,
  22 internalTrafficPolicy *string, 23 trafficDistribution *string
ServicePort: 1 name string, 2 protocol string, 3 port int!, 4 targetPort IntOrString!, 5 nodePort int,
  6 appProtocol *string
SessionAffinityConfig: 1 clientIP *ClientIPConfig
ClientIPConfig: 1 timeoutSeconds *int
ServiceStatus: 1 loadBalancer LoadBalancerStatus, 2 conditions []Condition
LoadBalancerStatus: 1 ingress []LoadBalancerIngress
LoadBalancerIngress: 1 ip string, 2 hostname string, 3 ipMode *string, 4 ports []PortStatus
PortStatus: 1 port int!, 2 protocol string!, 3 error *string
ConfigMap: 1 metadata ObjectMeta, 2 data {}string, 3 binaryData {}bytes, 4 immutable *bool
Secret: 1 metadata ObjectMeta, 2 data {}bytes, 3 type string, 4 stringData {}string, 5 immutable *bool
Event: 1 metadata ObjectMeta, 2 involvedObject ObjectReference, 3 reason string, 4 message string,
  5 source EventSource, 6 firstTimestamp Time!, 7 lastTimestamp Time!, 8 count int, 9 type string,
  10 eventTime MicroTime!, 11 series *EventSeries, 12 action string, 13 related *ObjectReference,
  14 reportingComponent string!, 15 reportingInstance string!
ObjectReference: 1 kind string, 2 namespace string, 3 name string, 4 uid string, 5 apiVersion string,
  6 resourceVersion string, 7 fieldPath string
EventSource: 1 component string, 2 host string
EventSeries: 1 count int, 2 lastObservedTime MicroTime!
`;
