/** An object of each kind on the wire of a node, with every field that the API server accepts; see wire-pod.ts. */

type Json = Record<string, unknown>;

/** Where a kind is, and an object of it. `status` is PUT to its status subresource. */
export type Sample = { path: string; object: Json; status?: Json };

const time = '2026-11-21T05:03:10Z';
const microTime = '2026-11-21T05:03:10.495198Z';
const reference = (kind: string, name: string): Json => ({
  kind,
  namespace: 'default',
  name,
  uid: `uid-of-${name}`,
  apiVersion: 'v1',
  resourceVersion: '12',
  fieldPath: 'spec.containers{main}',
});
const tolerations = [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 3 }];
const nodeSelector = {
  nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }],
};

const node: Sample = {
  path: '/api/v1/nodes',
  object: {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'rich', labels: { a: 'b' }, annotations: { c: '' } },
    spec: {
      podCIDR: '10.244.0.0/24',
      podCIDRs: ['10.244.0.0/24'],
      providerID: 'p://1',
      externalID: 'e',
      unschedulable: true,
      taints: [{ key: 't', value: 'v', effect: 'NoSchedule', timeAdded: time }],
    },
  },
  status: {
    capacity: { cpu: '8', memory: '32Gi', pods: '110', 'hugepages-2Mi': '0' },
    allocatable: { cpu: '7500m', memory: '31Gi' },
    phase: 'Running',
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        lastHeartbeatTime: time,
        lastTransitionTime: null,
        reason: 'r',
        message: 'm',
      },
      { type: 'Other', status: 'Unknown', lastHeartbeatTime: null, lastTransitionTime: time },
    ],
    addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
    nodeInfo: {
      machineID: 'm',
      systemUUID: 's',
      bootID: 'b',
      kernelVersion: 'k',
      osImage: 'o',
      containerRuntimeVersion: 'c',
      kubeletVersion: 'v1',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: 'amd64',
      swap: { capacity: 1_099_511_627_776 },
    },
    images: [{ names: ['a@sha256:1', 'a:1'], sizeBytes: 9_007_199_254_740_991 }, { names: null }],
    volumesInUse: ['v'],
    volumesAttached: [{ name: 'v', devicePath: '/dev/v' }],
    runtimeHandlers: [
      { name: '', features: { recursiveReadOnlyMounts: true, userNamespaces: false } },
      { name: 'kata' },
    ],
    features: { supplementalGroupsPolicy: true },
    declaredFeatures: ['Feature'],
  },
};

const service: Sample = {
  path: '/api/v1/namespaces/NAMESPACE/services',
  object: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'rich' },
    spec: {
      type: 'LoadBalancer',
      ports: [
        { name: 'web', protocol: 'TCP', port: 80, targetPort: 'web', appProtocol: 'http' },
        { name: 'dns', protocol: 'UDP', port: 53, targetPort: 5353 },
      ],
      selector: { app: 'web' },
      externalIPs: ['192.0.2.1'],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
      loadBalancerIP: '192.0.2.2',
      loadBalancerSourceRanges: ['192.0.2.0/24'],
      externalTrafficPolicy: 'Local',
      publishNotReadyAddresses: true,
      allocateLoadBalancerNodePorts: true,
      loadBalancerClass: 'example.test/lb',
      internalTrafficPolicy: 'Local',
      trafficDistribution: 'PreferClose',
    },
  },
  status: {
    loadBalancer: {
      ingress: [
        { ip: '192.0.2.2', ipMode: 'VIP', ports: [{ port: 80, protocol: 'TCP', error: 'E' }] },
        { hostname: 'h.example.test' },
      ],
    },
    conditions: [
      {
        type: 'T',
        status: 'True',
        observedGeneration: 2,
        lastTransitionTime: time,
        reason: 'R',
        message: '',
      },
    ],
  },
};

/** In the order in which they can be made. NAMESPACE stands for one of the test's. */
export const samples: Sample[] = [
  {
    path: '/apis/node.k8s.io/v1/runtimeclasses',
    object: {
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'rich' },
      handler: 'kata',
      overhead: { podFixed: { cpu: '250m', memory: '120Mi' } },
      scheduling: { nodeSelector: { a: 'b' }, tolerations },
    },
  },
  node,
  service,
  {
    path: '/api/v1/namespaces/NAMESPACE/services',
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'external' },
      spec: { type: 'ExternalName', externalName: 'example.test' },
    },
  },
  {
    path: '/api/v1/namespaces/NAMESPACE/configmaps',
    object: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings' },
      data: { a: 'ünï\n', empty: '' },
      binaryData: { b: 'AAECAw==' },
      immutable: false,
    },
  },
  {
    path: '/api/v1/namespaces/NAMESPACE/persistentvolumeclaims',
    object: {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      // The controller takes it for one whose volume is gone, and has nothing more to write once it is Lost.
      metadata: { name: 'rich', annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        storageClassName: 'none',
        volumeName: 'gone',
      },
    },
    status: {
      phase: 'Lost',
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '1Gi' },
      conditions: [
        {
          type: 'Resizing',
          status: 'True',
          lastProbeTime: time,
          lastTransitionTime: time,
          reason: 'r',
          message: 'm',
        },
      ],
      allocatedResources: { storage: '2Gi' },
      allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' },
      currentVolumeAttributesClassName: 'a',
      modifyVolumeStatus: { targetVolumeAttributesClassName: 'b', status: 'Pending' },
    },
  },
  {
    path: '/api/v1/namespaces/NAMESPACE/secrets',
    object: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'credentials' },
      data: { k: '/+8=', empty: '' },
      stringData: { written: 'text' },
      type: 'Opaque',
      immutable: true,
    },
  },
  {
    path: '/api/v1/namespaces/NAMESPACE/events',
    object: {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'old' },
      involvedObject: { ...reference('Pod', 'p'), namespace: 'NAMESPACE' },
      reason: 'Started',
      message: 'm',
      source: { component: 'kubelet', host: 'n' },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 3,
      type: 'Normal',
      eventTime: null,
      reportingComponent: '',
      reportingInstance: '',
    },
  },
  {
    path: '/apis/events.k8s.io/v1/namespaces/NAMESPACE/events',
    object: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'new' },
      eventTime: microTime,
      series: { count: 2, lastObservedTime: '2026-11-21T05:03:10.000001Z' },
      reportingController: 'example.test/c',
      reportingInstance: 'c-1',
      action: 'Act',
      reason: 'R',
      regarding: { ...reference('Node', 'n'), namespace: 'NAMESPACE' },
      related: reference('Pod', 'p'),
      note: 'n',
      type: 'Warning',
      deprecatedFirstTimestamp: null,
      deprecatedLastTimestamp: null,
      deprecatedSource: {},
    },
  },
  {
    path: '/api/v1/namespaces/NAMESPACE/events',
    object: {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'both' },
      involvedObject: { kind: 'Pod', name: 'p', namespace: 'NAMESPACE' },
      reason: 'R',
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      type: 'Normal',
      action: 'Act',
      eventTime: microTime,
      series: { count: 2, lastObservedTime: microTime },
      related: reference('Pod', 'q'),
      reportingComponent: 'example.test/c',
      reportingInstance: 'c-1',
    },
  },
  {
    path: '/apis/coordination.k8s.io/v1/namespaces/NAMESPACE/leases',
    object: {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'rich' },
      spec: {
        holderIdentity: 'h',
        leaseDurationSeconds: 40,
        acquireTime: microTime,
        renewTime: '2026-11-21T05:03:10.000000Z',
        leaseTransitions: 0,
        strategy: 'OldestEmulationVersion',
        preferredHolder: 'other',
      },
    },
  },
  {
    path: '/apis/storage.k8s.io/v1/csinodes',
    object: {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: { name: 'rich' },
      spec: {
        drivers: [
          { name: 'd.example.test', nodeID: 'n', topologyKeys: ['k'], allocatable: { count: 5 } },
          { name: 'e.example.test', nodeID: 'n', topologyKeys: null },
        ],
      },
    },
  },
  {
    path: '/apis/storage.k8s.io/v1/csidrivers',
    object: {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSIDriver',
      metadata: { name: 'rich.example.test' },
      spec: {
        attachRequired: false,
        podInfoOnMount: true,
        volumeLifecycleModes: ['Ephemeral', 'Persistent'],
        storageCapacity: false,
        fsGroupPolicy: 'File',
        tokenRequests: [{ audience: '', expirationSeconds: 600 }],
        requiresRepublish: true,
        seLinuxMount: true,
        nodeAllocatableUpdatePeriodSeconds: 60,
        serviceAccountTokenInSecrets: true,
      },
    },
  },
  {
    path: '/apis/discovery.k8s.io/v1/namespaces/NAMESPACE/endpointslices',
    object: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'rich', labels: { 'kubernetes.io/service-name': 'rich' } },
      addressType: 'IPv4',
      endpoints: [
        {
          addresses: ['10.1.2.3'],
          conditions: { ready: false, serving: true, terminating: false },
          hostname: 'h',
          targetRef: reference('Pod', 'p'),
          nodeName: 'n',
          zone: 'z',
          hints: { forZones: [{ name: 'z' }], forNodes: [{ name: 'n' }] },
        },
        { addresses: ['10.1.2.4'], conditions: {} },
      ],
      ports: [{ name: '', protocol: 'TCP', port: 80, appProtocol: 'http' }, { name: 'any' }],
    },
  },
  {
    path: '/apis/discovery.k8s.io/v1/namespaces/NAMESPACE/endpointslices',
    object: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'empty' },
      addressType: 'IPv6',
      endpoints: null,
      ports: null,
    },
  },
  {
    path: '/apis/networking.k8s.io/v1/servicecidrs',
    object: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'ServiceCIDR',
      metadata: { name: 'rich' },
      spec: { cidrs: ['10.96.128.0/20'] },
    },
  },
  {
    path: '/apis/resource.k8s.io/v1/resourceslices',
    object: {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceSlice',
      metadata: { name: 'rich' },
      spec: {
        driver: 'd.example.test',
        pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
        nodeName: 'rich',
        devices: [
          {
            name: 'gpu-0',
            attributes: {
              i: { int: -5 },
              b: { bool: false },
              s: { string: 'x' },
              v: { version: '1.2.3' },
              is: { ints: [1, -2] },
              bs: { bools: [true, false] },
              ss: { strings: ['a', ''] },
              vs: { versions: ['1.0.0'] },
            },
            capacity: {
              memory: {
                value: '40Gi',
                requestPolicy: { default: '1Gi', validRange: { min: '1Gi', max: '40Gi', step: '1Gi' } },
              },
              slots: { value: '4', requestPolicy: { default: '1', validValues: ['1', '2'] } },
            },
            taints: [{ key: 'k', value: 'v', effect: 'NoSchedule', timeAdded: time }],
            bindsToNode: true,
            bindingConditions: ['a'],
            bindingFailureConditions: ['b'],
            allowMultipleAllocations: true,
          },
        ],
      },
    },
  },
  {
    path: '/apis/resource.k8s.io/v1/resourceslices',
    object: {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceSlice',
      metadata: { name: 'counters' },
      spec: {
        driver: 'd.example.test',
        pool: { name: 'q', generation: 1, resourceSliceCount: 1 },
        nodeSelector,
        sharedCounters: [{ name: 'set', counters: { c: { value: '8' } } }],
      },
    },
  },
  {
    path: '/apis/resource.k8s.io/v1/resourceslices',
    object: {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceSlice',
      metadata: { name: 'everywhere' },
      spec: {
        driver: 'd.example.test',
        pool: { name: 's', generation: 1, resourceSliceCount: 1 },
        allNodes: true,
        devices: [
          {
            name: 'cpu',
            capacity: { cores: { value: '8' } },
            nodeAllocatableResourceMappings: {
              cpu: { capacityKey: 'cores', allocationMultiplier: '2' },
            },
          },
        ],
      },
    },
  },
  {
    path: '/apis/resource.k8s.io/v1/resourceslices',
    object: {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceSlice',
      metadata: { name: 'consumers' },
      spec: {
        driver: 'd.example.test',
        pool: { name: 'r', generation: 1, resourceSliceCount: 1 },
        perDeviceNodeSelection: true,
        devices: [
          {
            name: 'a',
            nodeName: 'n',
            consumesCounters: [{ counterSet: 'set', counters: { c: { value: '2' } } }],
          },
          { name: 'b', nodeSelector },
          { name: 'c', allNodes: true },
        ],
      },
    },
  },
];
