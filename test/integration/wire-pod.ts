/**
 * A Pod in which every field has a value that the API server accepts, as far as one pod can: the second container takes
 * what the first cannot have beside it. Names are those of the API; figures are arbitrary, and each is unlike the next.
 */

type Json = Record<string, unknown>;

const time = '2026-11-21T05:03:10Z';
const seLinuxOptions = { user: 'u', role: 'r', type: 't', level: 's0:c1,c2' };
const secretRef = { name: 'credentials' };
const handlers = {
  exec: { exec: { command: ['true', 'ünï-€'] } },
  httpGet: {
    httpGet: {
      path: '/healthz',
      port: 8080,
      host: 'example.test',
      scheme: 'HTTPS',
      httpHeaders: [{ name: 'X-Empty', value: '' }],
    },
  },
  tcpSocket: { tcpSocket: { port: 'web', host: '10.0.0.1' } },
  grpc: { grpc: { port: 9090, service: '' } },
};
const labelSelector = {
  matchLabels: { app: 'web' },
  matchExpressions: [
    { key: 'tier', operator: 'In', values: ['a', 'b'] },
    { key: 'old', operator: 'DoesNotExist' },
  ],
};
const items = [{ key: 'k', path: 'p', mode: 0o400 }];
const downward = [
  { path: 'labels', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.labels' }, mode: 0 },
  { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu', divisor: '1m' } },
];

/** Sources of volumes by name; each becomes a volume of that name. */
const volumeSources: Record<string, Json> = {
  'host-path': { hostPath: { path: '/lib', type: 'Directory' } },
  'empty-dir': { emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
  'gce-disk': { gcePersistentDisk: { pdName: 'd', fsType: 'ext4', partition: 1, readOnly: true } },
  'aws-disk': { awsElasticBlockStore: { volumeID: 'v', fsType: 'ext4', partition: 2, readOnly: true } },
  'git-repo': { gitRepo: { repository: 'r', revision: 'v', directory: 'd' } },
  secret: { secret: { secretName: 'credentials', items, defaultMode: 0o440, optional: true } },
  nfs: { nfs: { server: 's', path: '/p', readOnly: true } },
  iscsi: {
    iscsi: {
      targetPortal: '10.0.0.1:3260',
      iqn: 'iqn.2001-04.com.example:storage.kube.sys1.xyz',
      lun: 3,
      iscsiInterface: 'default',
      fsType: 'ext4',
      readOnly: true,
      portals: ['10.0.0.2:3260'],
      chapAuthDiscovery: true,
      secretRef,
      chapAuthSession: true,
      initiatorName: 'iqn.2001-04.com.example:storage.kube.sys1.abc',
    },
  },
  glusterfs: { glusterfs: { endpoints: 'e', path: 'p', readOnly: true } },
  claim: { persistentVolumeClaim: { claimName: 'c', readOnly: true } },
  rbd: {
    rbd: {
      monitors: ['m1', 'm2'],
      image: 'i',
      fsType: 'ext4',
      pool: 'p',
      user: 'u',
      keyring: 'k',
      secretRef,
      readOnly: true,
    },
  },
  flex: { flexVolume: { driver: 'd/d', fsType: 'f', secretRef, readOnly: true, options: { o: 'v' } } },
  cinder: { cinder: { volumeID: 'v', fsType: 'f', readOnly: true, secretRef } },
  cephfs: { cephfs: { monitors: ['m'], path: '/', user: 'u', secretFile: 's', secretRef, readOnly: true } },
  flocker: { flocker: { datasetName: 'd' } },
  'flocker-uuid': { flocker: { datasetUUID: 'u' } },
  downward: { downwardAPI: { items: downward, defaultMode: 0o644 } },
  fc: { fc: { targetWWNs: ['w'], lun: 0, fsType: 'f', readOnly: true } },
  'fc-wwids': { fc: { wwids: ['w'] } },
  'azure-file': { azureFile: { secretName: 's', shareName: 's', readOnly: true } },
  config: { configMap: { name: 'settings', items, defaultMode: 0o444, optional: false } },
  vsphere: {
    vsphereVolume: { volumePath: 'v', fsType: 'f', storagePolicyName: 'n', storagePolicyID: 'i' },
  },
  quobyte: { quobyte: { registry: 'r:1', volume: 'v', readOnly: true, user: 'u', group: 'g', tenant: 't' } },
  'azure-disk': {
    azureDisk: {
      diskName: 'd',
      diskURI: 'https://blob.example.test/d',
      cachingMode: 'None',
      fsType: 'f',
      readOnly: false,
      kind: 'Shared',
    },
  },
  photon: { photonPersistentDisk: { pdID: 'p', fsType: 'f' } },
  portworx: { portworxVolume: { volumeID: 'v', fsType: 'f', readOnly: true } },
  'scale-io': {
    scaleIO: {
      gateway: 'g',
      system: 's',
      secretRef,
      sslEnabled: true,
      protectionDomain: 'p',
      storagePool: 's',
      storageMode: 'ThickProvisioned',
      volumeName: 'v',
      fsType: 'f',
      readOnly: true,
    },
  },
  'storage-os': {
    storageos: { volumeName: 'v', volumeNamespace: 'n', fsType: 'f', readOnly: true, secretRef },
  },
  csi: {
    csi: {
      driver: 'csi.example.test',
      readOnly: false,
      fsType: 'f',
      volumeAttributes: { a: 'b', c: '' },
      nodePublishSecretRef: secretRef,
    },
  },
  ephemeral: {
    ephemeral: {
      volumeClaimTemplate: {
        metadata: { labels: { a: 'b' } },
        spec: {
          accessModes: ['ReadWriteOnce'],
          resources: { limits: { storage: '2Gi' }, requests: { storage: '1Gi' } },
          volumeName: 'v',
          selector: labelSelector,
          storageClassName: '',
          volumeMode: 'Filesystem',
          dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' },
          dataSourceRef: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' },
          volumeAttributesClassName: 'fast',
        },
      },
    },
  },
  image: { image: { reference: 'registry.example.test/data:1', pullPolicy: 'IfNotPresent' } },
  projected: {
    projected: {
      defaultMode: 0o640,
      sources: [
        { secret: { name: 'credentials', items: [{ key: 'k', path: 'secret' }], optional: true } },
        { downwardAPI: { items: downward } },
        { configMap: { name: 'settings', items, optional: false } },
        { serviceAccountToken: { audience: 'vault', expirationSeconds: 3600, path: 'token' } },
        {
          clusterTrustBundle: {
            signerName: 'example.test/signer',
            labelSelector,
            path: 'signed',
            optional: true,
          },
        },
        { clusterTrustBundle: { name: 'bundle', path: 'named' } },
        {
          podCertificate: {
            signerName: 'example.test/signer',
            keyType: 'ED25519',
            maxExpirationSeconds: 86_400,
            keyPath: 'key.pem',
            certificateChainPath: 'chain.pem',
            userAnnotations: { 'example.test/a': 'b' },
          },
        },
        {
          podCertificate: {
            signerName: 'example.test/signer',
            keyType: 'RSA3072',
            credentialBundlePath: 'bundle.pem',
          },
        },
      ],
    },
  },
};

const environment = {
  env: [
    { name: 'EMPTY' },
    { name: 'VALUE', value: 'ä "quoted"\n' },
    { name: 'FIELD', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
    { name: 'RESOURCE', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '0' } } },
    { name: 'CONFIG', valueFrom: { configMapKeyRef: { name: 'settings', key: 'k', optional: true } } },
    { name: 'SECRET', valueFrom: { secretKeyRef: { name: 'credentials', key: 'k', optional: false } } },
  ],
  envFrom: [
    { prefix: 'P_', configMapRef: { name: 'settings', optional: true } },
    { secretRef: { name: 'credentials', optional: false } },
  ],
};

const securityContext = {
  capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
  privileged: false,
  seLinuxOptions,
  runAsUser: 0,
  runAsNonRoot: false,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: true,
  runAsGroup: 4_294_967,
  procMount: 'Default',
  seccompProfile: { type: 'Localhost', localhostProfile: 'profile.json' },
  appArmorProfile: { type: 'Localhost', localhostProfile: 'armour' },
};

const probe = { initialDelaySeconds: 1, timeoutSeconds: 2, periodSeconds: 3, failureThreshold: 5 };

const main = {
  name: 'main',
  image: 'registry.example.test/app@sha256:abc',
  command: ['/app'],
  args: ['--verbose', ''],
  workingDir: '/place',
  ports: [
    { name: 'web', containerPort: 8080, protocol: 'TCP', hostPort: 8080, hostIP: '10.0.0.1' },
    { containerPort: 53, protocol: 'UDP' },
  ],
  ...environment,
  resources: {
    limits: { cpu: '2', memory: '1Gi', 'example.test/gpu': '1' },
    requests: { cpu: '100m', memory: '64Mi' },
    claims: [{ name: 'claim', request: 'one' }],
  },
  volumeMounts: [
    { name: 'empty-dir', mountPath: '/scratch', subPath: 'a', mountPropagation: 'None' },
    { name: 'secret', mountPath: '/secret', readOnly: true, recursiveReadOnly: 'Disabled' },
    { name: 'config', mountPath: '/config', subPathExpr: '$(VALUE)' },
  ],
  volumeDevices: [{ name: 'claim', devicePath: '/dev/block' }],
  livenessProbe: { ...handlers.exec, ...probe, successThreshold: 1, terminationGracePeriodSeconds: 7 },
  readinessProbe: { ...handlers.httpGet, ...probe, successThreshold: 4 },
  startupProbe: { ...handlers.grpc, ...probe, successThreshold: 1 },
  lifecycle: {
    postStart: handlers.httpGet,
    preStop: { sleep: { seconds: 5 } },
    stopSignal: 'SIGUSR1',
  },
  terminationMessagePath: '/dev/log',
  terminationMessagePolicy: 'FallbackToLogsOnError',
  imagePullPolicy: 'Never',
  securityContext,
  stdin: true,
  stdinOnce: true,
  tty: true,
  resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }],
};

const second = {
  name: 'second',
  image: 'registry.example.test/other:2',
  livenessProbe: { ...handlers.tcpSocket, ...probe, successThreshold: 1 },
  lifecycle: { postStart: handlers.exec, preStop: handlers.tcpSocket },
  ports: [{ name: 'web', containerPort: 80, protocol: 'TCP' }],
  resources: {},
  restartPolicy: 'OnFailure',
  restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42, 43] } }],
};

const preferred = { topologyKey: 'kubernetes.io/hostname', labelSelector };
const podTerms = {
  requiredDuringSchedulingIgnoredDuringExecution: [
    {
      ...preferred,
      namespaces: ['one'],
      namespaceSelector: {},
      matchLabelKeys: ['a'],
      mismatchLabelKeys: ['b'],
    },
  ],
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: preferred }],
};

export const richPod: Json = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'rich',
    labels: { app: 'web', 'example.test/empty': '' },
    annotations: { 'example.test/note': 'ünïcode and "quotes"' },
    finalizers: ['example.test/held'],
    ownerReferences: [
      {
        apiVersion: 'example.test/v1',
        kind: 'Owner',
        name: 'n',
        uid: 'u-1',
        controller: true,
        blockOwnerDeletion: false,
      },
    ],
  },
  spec: {
    volumes: Object.entries(volumeSources).map(([name, source]) => ({ name, ...source })),
    containers: [main, second],
    initContainers: [{ name: 'sidecar', image: 'sidecar:1', restartPolicy: 'Always' }],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 31,
    activeDeadlineSeconds: 2_147_483_647,
    dnsPolicy: 'None',
    nodeSelector: { disk: 'ssd' },
    serviceAccountName: 'default',
    automountServiceAccountToken: false,
    nodeName: 'rich',
    hostNetwork: false,
    shareProcessNamespace: false,
    securityContext: {
      seLinuxOptions,
      runAsUser: 1,
      runAsNonRoot: true,
      supplementalGroups: [1, 4_000_000],
      fsGroup: 2,
      runAsGroup: 3,
      sysctls: [{ name: 'kernel.shm_rmid_forced', value: '0' }],
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
      appArmorProfile: { type: 'Unconfined' },
      supplementalGroupsPolicy: 'Strict',
      seLinuxChangePolicy: 'Recursive',
    },
    imagePullSecrets: [secretRef],
    hostname: 'h',
    subdomain: 's',
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['4'] }],
              matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['n'] }],
            },
          ],
        },
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 1, preference: { matchExpressions: [{ key: 'zone', operator: 'Exists' }] } },
        ],
      },
      podAffinity: podTerms,
      podAntiAffinity: podTerms,
    },
    schedulerName: 'nobody',
    tolerations: [
      { key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: -1 },
      { operator: 'Exists' },
    ],
    hostAliases: [{ ip: '10.1.2.3', hostnames: ['a', 'b'] }],
    priority: 2_000_001_000,
    priorityClassName: 'system-node-critical',
    dnsConfig: {
      nameservers: ['10.0.0.10'],
      searches: ['example.test'],
      options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
    },
    readinessGates: [{ conditionType: 'example.test/ready' }],
    enableServiceLinks: false,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector,
        minDomains: 2,
        nodeAffinityPolicy: 'Honor',
        nodeTaintsPolicy: 'Ignore',
        matchLabelKeys: ['example.test/empty'],
      },
    ],
    setHostnameAsFQDN: true,
    os: { name: 'linux' },
    resourceClaims: [
      { name: 'claim', resourceClaimName: 'one' },
      { name: 'made', resourceClaimTemplateName: 'template' },
    ],
    resources: { limits: { cpu: '4', memory: '4Gi' }, requests: { cpu: '1', memory: '1Gi' } },
  },
};

/** What one pod cannot have beside the other's. */
export const otherPod: Json = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'other-', name: 'other' },
  spec: {
    runtimeClassName: 'rich',
    schedulingGates: [{ name: 'example.test/wait' }],
    hostUsers: true,
    hostNetwork: true,
    schedulingGroup: { podGroupName: 'g' },
    hostPID: true,
    hostIPC: true,
    restartPolicy: 'Never',
    preemptionPolicy: 'PreemptLowerPriority',
    schedulerName: 'nobody',
    automountServiceAccountToken: false,
    securityContext: { windowsOptions: windows() },
    containers: [
      {
        name: 'main',
        image: 'i',
        securityContext: { windowsOptions: windows() },
        resources: {},
        env: [
          {
            name: 'FILE',
            valueFrom: { fileKeyRef: { volumeName: 'v', path: 'p', key: 'k', optional: true } },
          },
        ],
      },
    ],
    volumes: [
      { name: 'v', emptyDir: {} },
      {
        name: 'w',
        ephemeral: {
          volumeClaimTemplate: {
            spec: {
              accessModes: ['ReadOnlyMany'],
              resources: { requests: { storage: '1Gi' } },
              dataSourceRef: { apiGroup: 'example.test', kind: 'Source', name: 's', namespace: 'other' },
            },
          },
        },
      },
    ],
  },
};

/** What the API server allows on neither of them. */
export const plainPod: Json = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'plain' },
  spec: {
    hostnameOverride: 'over',
    schedulerName: 'nobody',
    automountServiceAccountToken: false,
    containers: [{ name: 'main', image: 'i', resources: {} }],
  },
};

function windows(): Json {
  return {
    gmsaCredentialSpecName: 'gmsa',
    gmsaCredentialSpec: 'spec',
    runAsUserName: 'NT AUTHORITY\\SYSTEM',
    hostProcess: false,
  };
}

/** For the ephemeralcontainers subresource. */
export const ephemeralContainer: Json = {
  name: 'debug',
  image: 'debug:1',
  command: ['sh'],
  args: ['-c', 'true'],
  workingDir: '/',
  ...environment,
  volumeMounts: [{ name: 'empty-dir', mountPath: '/scratch' }],
  volumeDevices: [{ name: 'claim', devicePath: '/dev/block' }],
  terminationMessagePath: '/dev/log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'Always',
  securityContext,
  stdin: true,
  stdinOnce: true,
  tty: true,
  targetContainerName: 'main',
};

const containerStatus = {
  image: 'i',
  imageID: 'sha256:1',
  ready: false,
  restartCount: 3,
};

/** Pods' status, as a kubelet might write it, all at once. */
export const richPodStatus: Json = {
  phase: 'Running',
  conditions: [
    { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: time },
    {
      type: 'Ready',
      status: 'False',
      lastProbeTime: time,
      lastTransitionTime: time,
      reason: 'R',
      message: 'm',
      observedGeneration: 1,
    },
  ],
  message: 'm',
  reason: 'r',
  hostIP: '10.0.0.1',
  hostIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }],
  podIP: '10.1.0.1',
  podIPs: [{ ip: '10.1.0.1' }, { ip: 'fd00::2' }],
  startTime: time,
  observedGeneration: 1,
  qosClass: 'Burstable',
  resourceClaimStatuses: [{ name: 'made', resourceClaimName: 'made-1' }],
  containerStatuses: [
    {
      ...containerStatus,
      name: 'main',
      containerID: 'containerd://1',
      ready: true,
      started: true,
      state: { running: { startedAt: time } },
      lastState: {
        terminated: {
          exitCode: -1,
          signal: 9,
          reason: 'OOMKilled',
          message: 'm',
          startedAt: time,
          finishedAt: null,
          containerID: 'containerd://0',
        },
      },
      allocatedResources: { cpu: '1' },
      resources: { limits: { cpu: '2' }, requests: { cpu: '1' } },
      volumeMounts: [
        {
          name: 'image',
          mountPath: '/scratch',
          readOnly: true,
          recursiveReadOnly: 'Disabled',
          volumeStatus: { image: { imageRef: 'sha256:2' } },
        },
      ],
      user: { linux: { uid: 0, gid: 0, supplementalGroups: [0, 1] } },
      allocatedResourcesStatus: [
        {
          name: 'claim:claim/one',
          resources: [{ resourceID: 'gpu-1', health: 'Healthy', message: 'well' }],
        },
      ],
      stopSignal: 'SIGTERM',
    },
    {
      ...containerStatus,
      name: 'second',
      started: false,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
      lastState: { terminated: { exitCode: 0, startedAt: null, finishedAt: time } },
    },
  ],
  initContainerStatuses: [{ ...containerStatus, name: 'sidecar', state: { waiting: {} }, lastState: {} }],
  ephemeralContainerStatuses: [{ ...containerStatus, name: 'debug', state: {}, lastState: {} }],
  resize: 'InProgress',
  extendedResourceClaimStatus: {
    requestMappings: [{ containerName: 'main', resourceName: 'example.test/gpu', requestName: 'r-0' }],
    resourceClaimName: 'made-2',
  },
  nodeAllocatableResourceClaimStatuses: [
    { resourceClaimName: 'one', containers: ['main'], resources: { cpu: '2' } },
  ],
  allocatedResources: { cpu: '1' },
  resources: { requests: { cpu: '1' } },
};
