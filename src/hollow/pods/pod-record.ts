/** What a hollow kubelet keeps of a container's spec. */
export type ContainerSpec = {
  name: string;
  image: string;
  requests: Record<string, string> | undefined;
  limits: Record<string, string> | undefined;
  volumeMounts: { name: string; mountPath: string; readOnly: boolean }[];
  /** Seconds until a readiness probe would first succeed; undefined without a probe. */
  readyAfterSeconds: number | undefined;
};

/** What a hollow kubelet keeps of a pod's spec: it cannot change while the pod lives. */
export type PodSpec = {
  namespace: string;
  name: string;
  uid: string;
  /** resourceVersion of the pod as first seen: kubelet's events carry it. */
  resourceVersion: string;
  serviceAccountName: string;
  /** A projected service account token has to be fetched before the pod can start. */
  needsToken: boolean;
  /** `configmaps/<name>` and `secrets/<name>` that its volumes and environment refer to. */
  references: string[];
  containers: ContainerSpec[];
  initContainers: ContainerSpec[];
  hostNetwork: boolean;
};

type Raw = { [key: string]: unknown };

const list = (value: unknown): Raw[] => (Array.isArray(value) ? (value as Raw[]) : []);
const map = (value: unknown): Raw => (typeof value === 'object' && value !== null ? (value as Raw) : {});
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

/** Takes from a Pod what a kubelet acts on; tolerant of what is missing. */
export function podSpec(pod: unknown): PodSpec {
  const metadata = map(map(pod)['metadata']);
  const spec = map(map(pod)['spec']);
  const references = new Set<string>();
  let needsToken = false;
  for (const volume of list(spec['volumes'])) {
    for (const source of [volume, ...list(map(volume['projected'])['sources'])]) {
      const configMap = text(map(source['configMap'])['name']);
      if (configMap !== '') references.add(`configmaps/${configMap}`);
      const secret = text(map(source['secret'])['secretName']) || text(map(source['secret'])['name']);
      if (secret !== '') references.add(`secrets/${secret}`);
      if (source['serviceAccountToken'] !== undefined) needsToken = true;
    }
  }
  const containers = list(spec['containers']).map(containerSpec);
  const initContainers = list(spec['initContainers']).map(containerSpec);
  for (const container of [...list(spec['containers']), ...list(spec['initContainers'])]) {
    environmentReferences(container, references);
  }
  return {
    namespace: text(metadata['namespace']),
    name: text(metadata['name']),
    uid: text(metadata['uid']),
    resourceVersion: text(metadata['resourceVersion']),
    serviceAccountName: text(spec['serviceAccountName']) || 'default',
    needsToken,
    references: [...references],
    containers,
    initContainers,
    hostNetwork: spec['hostNetwork'] === true,
  };
}

function environmentReferences(container: Raw, references: Set<string>): void {
  for (const variable of list(container['env'])) {
    const from = map(variable['valueFrom']);
    const configMap = text(map(from['configMapKeyRef'])['name']);
    if (configMap !== '') references.add(`configmaps/${configMap}`);
    const secret = text(map(from['secretKeyRef'])['name']);
    if (secret !== '') references.add(`secrets/${secret}`);
  }
  for (const from of list(container['envFrom'])) {
    const configMap = text(map(from['configMapRef'])['name']);
    if (configMap !== '') references.add(`configmaps/${configMap}`);
    const secret = text(map(from['secretRef'])['name']);
    if (secret !== '') references.add(`secrets/${secret}`);
  }
}

function containerSpec(container: Raw): ContainerSpec {
  const resources = map(container['resources']);
  const probe = container['readinessProbe'] === undefined ? undefined : map(container['readinessProbe']);
  return {
    name: text(container['name']),
    image: text(container['image']),
    requests: quantities(resources['requests']),
    limits: quantities(resources['limits']),
    volumeMounts: list(container['volumeMounts']).map((mount) => ({
      name: text(mount['name']),
      mountPath: text(mount['mountPath']),
      readOnly: mount['readOnly'] === true,
    })),
    readyAfterSeconds: probe === undefined ? undefined : number(probe['initialDelaySeconds'], 0),
  };
}

function quantities(value: unknown): Record<string, string> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, string>) : undefined;
}

/** Whether a pod has ended for good. */
export function podHasEnded(pod: unknown): boolean {
  const phase = map(map(pod)['status'])['phase'];
  return phase === 'Succeeded' || phase === 'Failed';
}
