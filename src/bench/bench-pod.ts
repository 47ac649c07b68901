/** A pod of a Deployment as the API server gives it once it runs; `index` tells them apart. */
export function benchPod(index: number): unknown {
  const id = index.toString(36).padStart(5, '0');
  const node = `hollow-${String(index % 1000).padStart(5, '0')}`;
  const deployment = `deployment-${index % 40}`;
  const time = new Date(1_790_000_000_000 + (index >> 5) * 1000).toISOString().slice(0, 19);
  const stamp = `${time}Z`;
  const condition = (type: string): object => ({
    type,
    observedGeneration: 1,
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: stamp,
  });
  const address = `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: {
      name: `${deployment}-7d9c5b8f6d-${id}`,
      generateName: `${deployment}-7d9c5b8f6d-`,
      namespace: `hollow-${index % 10}`,
      uid: `6f1d2c3b-0a1b-4c5d-8e9f-${String(index).padStart(12, '0')}`,
      resourceVersion: String(100_000 + index),
      generation: 1,
      creationTimestamp: stamp,
      labels: {
        app: deployment,
        'hollowmark.dev/run': '20261121-052107-bench-3f9c',
        'pod-template-hash': '7d9c5b8f6d',
      },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `${deployment}-7d9c5b8f6d`,
          uid: `0b8ab5a2-93f0-4a0d-9c39-${String(index % 40).padStart(12, '0')}`,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
      managedFields: [
        managedFields('kube-controller-manager', stamp, undefined, {
          'f:metadata': {
            'f:generateName': {},
            'f:labels': { '.': {}, 'f:app': {}, 'f:hollowmark.dev/run': {}, 'f:pod-template-hash': {} },
            'f:ownerReferences': { '.': {}, 'k:{"uid":"0b8ab5a2-93f0-4a0d-9c39-000000000000"}': {} },
          },
          'f:spec': {
            'f:containers': {
              'k:{"name":"main"}': {
                '.': {},
                'f:image': {},
                'f:imagePullPolicy': {},
                'f:name': {},
                'f:resources': { '.': {}, 'f:requests': { '.': {}, 'f:cpu': {}, 'f:memory': {} } },
                'f:terminationMessagePath': {},
                'f:terminationMessagePolicy': {},
              },
            },
            'f:dnsPolicy': {},
            'f:enableServiceLinks': {},
            'f:restartPolicy': {},
            'f:schedulerName': {},
            'f:securityContext': {},
            'f:terminationGracePeriodSeconds': {},
          },
        }),
        managedFields('kubelet', stamp, 'status', {
          'f:status': {
            'f:conditions': {
              'k:{"type":"Ready"}': { '.': {}, 'f:lastTransitionTime': {}, 'f:status': {}, 'f:type': {} },
              'k:{"type":"Initialized"}': {
                '.': {},
                'f:lastTransitionTime': {},
                'f:status': {},
                'f:type': {},
              },
            },
            'f:containerStatuses': {},
            'f:hostIP': {},
            'f:phase': {},
            'f:podIP': {},
            'f:podIPs': { '.': {}, [`k:{"ip":"${address}"}`]: { '.': {}, 'f:ip': {} } },
            'f:startTime': {},
          },
        }),
      ],
    },
    spec: {
      volumes: [
        {
          name: `kube-api-access-${id}`,
          projected: {
            sources: [
              { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
              { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
              {
                downwardAPI: {
                  items: [
                    { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } },
                  ],
                },
              },
            ],
            defaultMode: 420,
          },
        },
      ],
      containers: [
        {
          name: 'main',
          image: 'registry.k8s.io/pause:3.10',
          resources: { requests: { cpu: '10m', memory: '16Mi' } },
          volumeMounts: [
            {
              name: `kube-api-access-${id}`,
              readOnly: true,
              mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
            },
          ],
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'IfNotPresent',
        },
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'default',
      serviceAccount: 'default',
      nodeName: node,
      securityContext: {},
      schedulerName: 'default-scheduler',
      tolerations: ['not-ready', 'unreachable'].map((what) => ({
        key: `node.kubernetes.io/${what}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      })),
      priority: 0,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
    },
    status: {
      phase: 'Running',
      conditions: [
        'PodReadyToStartContainers',
        'Initialized',
        'Ready',
        'ContainersReady',
        'PodScheduled',
      ].map(condition),
      hostIP: '10.0.0.1',
      hostIPs: [{ ip: '10.0.0.1' }],
      podIP: address,
      podIPs: [{ ip: address }],
      startTime: stamp,
      observedGeneration: 1,
      containerStatuses: [
        {
          name: 'main',
          state: { running: { startedAt: stamp } },
          lastState: {},
          ready: true,
          restartCount: 0,
          image: 'registry.k8s.io/pause:3.10',
          imageID:
            'registry.k8s.io/pause@sha256:ee6521f290b2168b6e0935a181d4cff9be1ac3f505666ef0e3c98fae8199917a',
          containerID: `containerd://${String(index).padStart(64, '0')}`,
          started: true,
          allocatedResources: { cpu: '10m', memory: '16Mi' },
          resources: { requests: { cpu: '10m', memory: '16Mi' } },
        },
      ],
      qosClass: 'Burstable',
    },
  };
}

function managedFields(
  manager: string,
  time: string,
  subresource: string | undefined,
  fieldsV1: unknown,
): object {
  return {
    manager,
    operation: 'Update',
    apiVersion: 'v1',
    time,
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...(subresource === undefined ? {} : { subresource }),
  };
}
