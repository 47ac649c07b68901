/** core/v1: Pod, its spec and its scheduling. The notation: wire/schema.ts. */
export const podMessages = `
Pod: 1 metadata ObjectMeta, 2 spec PodSpec, 3 status PodStatus
PodSpec: 1 volumes []Volume, 2 containers []Container!, 3 restartPolicy string,
  4 terminationGracePeriodSeconds *int, 5 activeDeadlineSeconds *int, 6 dnsPolicy string,
  7 nodeSelector {}string, 8 serviceAccountName string, 9 serviceAccount string, 10 nodeName string,
  11 hostNetwork bool, 12 hostPID bool, 13 hostIPC bool, 14 securityContext *PodSecurityContext,
  15 imagePullSecrets []LocalObjectReference, 16 hostname string, 17 subdomain string,
  18 affinity *Affinity, 19 schedulerName string, 20 initContainers []Container,
  21 automountServiceAccountToken *bool, 22 tolerations []Toleration, 23 hostAliases []HostAlias,
  24 priorityClassName string, 25 priority *int, 26 dnsConfig *PodDNSConfig, 27 shareProcessNamespace *bool,
  28 readinessGates []PodReadinessGate, 29 runtimeClassName *string, 30 enableServiceLinks *bool,
  31 preemptionPolicy *string, 32 overhead {}Quantity,
  33 topologySpreadConstraints []TopologySpreadConstraint, 34 ephemeralContainers []EphemeralContainer,
  35 setHostnameAsFQDN *bool, 36 os *PodOS, 37 hostUsers *bool, 38 schedulingGates []PodSchedulingGate,
  39 resourceClaims []PodResourceClaim, 40 resources *ResourceRequirements, 41 hostnameOverride *string,
  43 schedulingGroup *PodSchedulingGroup
LocalObjectReference: 1 name string
PodSecurityContext: 1 seLinuxOptions *SELinuxOptions, 2 runAsUser *int, 3 runAsNonRoot *bool,
  4 supplementalGroups []int, 5 fsGroup *int, 6 runAsGroup *int, 7 sysctls []Sysctl,
  8 windowsOptions *WindowsSecurityContextOptions, 9 fsGroupChangePolicy *string,
  10 seccompProfile *SeccompProfile, 11 appArmorProfile *AppArmorProfile,
  12 supplementalGroupsPolicy *string, 13 seLinuxChangePolicy *string
Sysctl: 1 name string!, 2 value string!
Affinity: 1 nodeAffinity *NodeAffinity, 2 podAffinity *PodAffinity, 3 podAntiAffinity *PodAntiAffinity
NodeAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution *NodeSelector,
  2 preferredDuringSchedulingIgnoredDuringExecution []PreferredSchedulingTerm
NodeSelector: 1 nodeSelectorTerms []NodeSelectorTerm!
NodeSelectorTerm: 1 matchExpressions []NodeSelectorRequirement, 2 matchFields []NodeSelectorRequirement
NodeSelectorRequirement: 1 key string!, 2 operator string!, 3 values []string
PreferredSchedulingTerm: 1 weight int!, 2 preference NodeSelectorTerm
PodAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm,
  2 preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm
PodAffinityTerm: 1 labelSelector *LabelSelector, 2 namespaces []string, 3 topologyKey string!,
  4 namespaceSelector *LabelSelector, 5 matchLabelKeys []string, 6 mismatchLabelKeys []string
WeightedPodAffinityTerm: 1 weight int!, 2 podAffinityTerm PodAffinityTerm
PodAntiAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution []PodAffinityTerm,
  2 preferredDuringSchedulingIgnoredDuringExecution []WeightedPodAffinityTerm
Toleration: 1 key string, 2 operator string, 3 value string, 4 effect string, 5 tolerationSeconds *int
HostAlias: 1 ip string!, 2 hostnames []string
PodDNSConfig: 1 nameservers []string, 2 searches []string, 3 options []PodDNSConfigOption
PodDNSConfigOption: 1 name string, 2 value *string
PodReadinessGate: 1 conditionType string!
TopologySpreadConstraint: 1 maxSkew int!, 2 topologyKey string!, 3 whenUnsatisfiable string!,
  4 labelSelector *LabelSelector, 5 minDomains *int, 6 nodeAffinityPolicy *string,
  7 nodeTaintsPolicy *string, 8 matchLabelKeys []string
PodOS: 1 name string!
PodSchedulingGate: 1 name string!
PodResourceClaim: 1 name string!, 3 resourceClaimName *string, 4 resourceClaimTemplateName *string
PodSchedulingGroup: 1 podGroupName *string
`;
