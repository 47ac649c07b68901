import { LruMap } from '../../base/lru.ts';
import { type ContainerBehaviour, containerBehaviours } from './container-behaviour.ts';
import type { ProbeSpec, ProbeType } from './probes.ts';
import { type Raw, list, map, number, text } from './raw.ts';
import { resourceAmount } from './units.ts';

/** `sidecar`: an init container with restartPolicy Always. */
export type ContainerKind = 'init' | 'sidecar' | 'main' | 'ephemeral';
export type PullPolicy = 'Always' | 'IfNotPresent' | 'Never';
export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';
type Quantities = Record<string, string>;

/** `codes`: exit codes after which it is started again whatever `policy` says (restartPolicyRules). */
export type ContainerRestart = {
  policy: RestartPolicy;
  codes: readonly { operator: string; values: readonly number[] }[];
};

/** What a hollow kubelet keeps of a container's spec. */
export type ContainerSpec = {
  kind: ContainerKind;
  name: string;
  image: string;
  pullPolicy: PullPolicy;
  requests: Quantities | undefined;
  limits: Quantities | undefined;
  /** `volume`: which of the pod's. */
  volumeMounts: { volume: number; mountPath: string; readOnly: boolean }[];
  probes: readonly ProbeSpec[];
  /** Of a main or an init container, in place of the pod's policy. */
  restart?: ContainerRestart;
  /** How long its preStop hook takes; 0 without one. */
  preStopMs: number;
  behaviour: ContainerBehaviour;
};

/** What pods of one template have in common. */
type PodTemplate = {
  serviceAccountName: string;
  /** Empty for none. */
  runtimeClassName: string;
  /** A projected service account token has to be fetched before the pod can start. */
  needsToken: boolean;
  /** `configmaps/<name>` and `secrets/<name>` that its volumes and environment refer to. */
  references: readonly string[];
  restartPolicy: RestartPolicy;
  graceMs: number;
  priority: number;
  hostNetwork: boolean;
  overhead: Quantities | undefined;
  /** How long it may be active on its node (activeDeadlineSeconds); undefined without an end. */
  activeDeadlineMs: number | undefined;
  /** Types of conditions that others have to set to True before the pod is Ready. */
  readinessGates: readonly string[];
  /** Init containers and sidecars in their order, then the main ones, then ephemeral ones. */
  containers: readonly ContainerSpec[];
};

/** A volume of a pod, by its name there, that is a PersistentVolumeClaim. */
type ClaimVolume = { volume: string; claim: string };

/** What is a pod's alone. */
type PodOwn = {
  namespace: string;
  name: string;
  uid: string;
  /** resourceVersion of the pod as first seen: kubelet's events carry it. */
  resourceVersion: string;
  /** Names of its volumes that containers mount, with slashes in between: that of its token differs from pod to pod. */
  volumes: string;
  /** The PersistentVolumeClaims among those, in the pod's order. */
  claims: readonly ClaimVolume[];
};

/** What a hollow kubelet keeps of a pod's spec; the greater part once for all pods of a template. */
export class PodSpec implements PodOwn, PodTemplate {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly volumes: string;
  readonly claims: readonly ClaimVolume[];
  private readonly template: PodTemplate;

  constructor({ namespace, name, uid, resourceVersion, volumes, claims }: PodOwn, template: PodTemplate) {
    this.namespace = namespace;
    this.name = name;
    this.uid = uid;
    this.resourceVersion = resourceVersion;
    this.volumes = volumes;
    this.claims = claims;
    this.template = template;
  }

  get serviceAccountName(): string {
    return this.template.serviceAccountName;
  }

  get runtimeClassName(): string {
    return this.template.runtimeClassName;
  }

  get needsToken(): boolean {
    return this.template.needsToken;
  }

  get references(): readonly string[] {
    return this.template.references;
  }

  get restartPolicy(): RestartPolicy {
    return this.template.restartPolicy;
  }

  get graceMs(): number {
    return this.template.graceMs;
  }

  get priority(): number {
    return this.template.priority;
  }

  get hostNetwork(): boolean {
    return this.template.hostNetwork;
  }

  get overhead(): Quantities | undefined {
    return this.template.overhead;
  }

  get activeDeadlineMs(): number | undefined {
    return this.template.activeDeadlineMs;
  }

  get readinessGates(): readonly string[] {
    return this.template.readinessGates;
  }

  get containers(): readonly ContainerSpec[] {
    return this.template.containers;
  }

  /** The same, but first seen with another resourceVersion. */
  firstSeenAs(resourceVersion: string): PodSpec {
    const { namespace, name, uid, volumes, claims, template } = this;
    return new PodSpec({ namespace, name, uid, resourceVersion, volumes, claims }, template);
  }
}

/** A scenario's pods have few templates; one that is pushed out is kept by its pods. */
const templates = new LruMap<PodTemplate>(256);

function sharedTemplate(template: PodTemplate): PodTemplate {
  const key = JSON.stringify(template);
  const known = templates.get(key);
  if (known === undefined) templates.set(key, template);
  return known ?? template;
}

/** A spec, and what its annotations say that nobody understands. */
export type ReadPod = { spec: PodSpec; faults: string[] };

/**
 * Takes from a Pod what a kubelet acts on; tolerant of what is missing. `defaults` holds for containers of pods that are
 * to end (restartPolicy other than Always) as far as no annotation says otherwise.
 */
export function readPod(pod: unknown, defaults?: ContainerBehaviour): ReadPod {
  const metadata = map(map(pod)['metadata']);
  const spec = map(map(pod)['spec']);
  const { byContainer, faults } = containerBehaviours(map(metadata['annotations']));
  const restartPolicy = (text(spec['restartPolicy']) || 'Always') as RestartPolicy;
  const volumes: string[] = [];
  const read = (kind: 'init' | 'main' | 'ephemeral') => (container: Raw) => {
    const sidecar = kind === 'init' && container['restartPolicy'] === 'Always';
    const common = kind === 'main' && restartPolicy !== 'Always' ? defaults : undefined;
    const own = byContainer.get(text(container['name']));
    const behaviour = common === undefined || own === undefined ? (own ?? common) : { ...common, ...own };
    return containerSpec(sidecar ? 'sidecar' : kind, container, behaviour ?? nothing, volumes);
  };
  const containers = [
    ...list(spec['initContainers']).map(read('init')),
    ...list(spec['containers']).map(read('main')),
    ...list(spec['ephemeralContainers']).map(read('ephemeral')),
  ];
  const template = sharedTemplate({
    serviceAccountName: text(spec['serviceAccountName']) || 'default',
    runtimeClassName: text(spec['runtimeClassName']),
    ...references(spec),
    restartPolicy,
    graceMs: number(spec['terminationGracePeriodSeconds'], 30) * 1000,
    priority: number(spec['priority'], 0),
    hostNetwork: spec['hostNetwork'] === true,
    overhead: quantities(spec['overhead']),
    activeDeadlineMs: secondsAsMs(spec['activeDeadlineSeconds']),
    readinessGates: list(spec['readinessGates']).map((gate) => text(gate['conditionType'])),
    containers,
  });
  const own = {
    namespace: text(metadata['namespace']),
    name: text(metadata['name']),
    uid: text(metadata['uid']),
    resourceVersion: text(metadata['resourceVersion']),
    volumes: volumes.join('/'),
    claims: claimsOf(metadata, spec, volumes),
  };
  return { spec: new PodSpec(own, template), faults };
}

const nothing: ContainerBehaviour = {};

/** Of most pods: one empty list for all. */
const noClaims: readonly ClaimVolume[] = [];

/** Those that a container mounts or has as a device. A claim that is the pod's own (`ephemeral`) is called by pod and volume. */
function claimsOf(metadata: Raw, spec: Raw, mounted: readonly string[]): readonly ClaimVolume[] {
  const claims = list(spec['volumes']).flatMap((from): ClaimVolume[] => {
    const volume = text(from['name']);
    const own = from['ephemeral'] === undefined ? '' : `${text(metadata['name'])}-${volume}`;
    const claim = own || text(map(from['persistentVolumeClaim'])['claimName']);
    return claim === '' ? [] : [{ volume, claim }];
  });
  if (claims.length === 0) return noClaims;
  const kinds = ['initContainers', 'containers', 'ephemeralContainers'];
  const devices = kinds
    .flatMap((kind) => list(spec[kind]).flatMap((container) => list(container['volumeDevices'])))
    .map(({ name }) => text(name));
  return claims.filter(({ volume }) => mounted.includes(volume) || devices.includes(volume));
}

function references(spec: Raw): { needsToken: boolean; references: string[] } {
  const found = new Set<string>();
  let needsToken = false;
  for (const volume of list(spec['volumes'])) {
    for (const source of [volume, ...list(map(volume['projected'])['sources'])]) {
      const configMap = text(map(source['configMap'])['name']);
      if (configMap !== '') found.add(`configmaps/${configMap}`);
      const secret = text(map(source['secret'])['secretName']) || text(map(source['secret'])['name']);
      if (secret !== '') found.add(`secrets/${secret}`);
      if (source['serviceAccountToken'] !== undefined) needsToken = true;
    }
  }
  for (const container of [...list(spec['containers']), ...list(spec['initContainers'])]) {
    environmentReferences(container, found);
  }
  return { needsToken, references: [...found] };
}

function environmentReferences(container: Raw, found: Set<string>): void {
  for (const variable of list(container['env'])) {
    const from = map(variable['valueFrom']);
    const configMap = text(map(from['configMapKeyRef'])['name']);
    if (configMap !== '') found.add(`configmaps/${configMap}`);
    const secret = text(map(from['secretKeyRef'])['name']);
    if (secret !== '') found.add(`secrets/${secret}`);
  }
  for (const from of list(container['envFrom'])) {
    const configMap = text(map(from['configMapRef'])['name']);
    if (configMap !== '') found.add(`configmaps/${configMap}`);
    const secret = text(map(from['secretRef'])['name']);
    if (secret !== '') found.add(`secrets/${secret}`);
  }
}

/** Names of volumes that are not among `volumes` yet are added. */
function containerSpec(
  kind: ContainerKind,
  container: Raw,
  behaviour: ContainerBehaviour,
  volumes: string[],
): ContainerSpec {
  const resources = map(container['resources']);
  const preStop = map(map(container['lifecycle'])['preStop']);
  const sleepMs = number(map(preStop['sleep'])['seconds'], 0) * 1000;
  const hooked = preStop['exec'] !== undefined || preStop['httpGet'] !== undefined;
  return {
    kind,
    name: text(container['name']),
    image: text(container['image']),
    pullPolicy: (text(container['imagePullPolicy']) || 'IfNotPresent') as PullPolicy,
    requests: quantities(resources['requests']),
    limits: quantities(resources['limits']),
    volumeMounts: list(container['volumeMounts']).map((mount) => ({
      volume: placeOf(text(mount['name']), volumes),
      mountPath: text(mount['mountPath']),
      readOnly: mount['readOnly'] === true,
    })),
    probes: probeSpecs(container),
    ...(kind === 'main' || kind === 'init' ? restartOf(container) : {}),
    preStopMs: sleepMs + (hooked ? (behaviour.preStopDurationMs ?? 0) : 0),
    behaviour,
  };
}

function restartOf(container: Raw): { restart?: ContainerRestart } {
  const policy = text(container['restartPolicy']);
  if (policy === '') return {};
  const codes = list(container['restartPolicyRules']).map((rule) => {
    const { operator, values } = map(rule['exitCodes']);
    return { operator: text(operator), values: Array.isArray(values) ? (values as number[]) : [] };
  });
  return { restart: { policy: policy as RestartPolicy, codes } };
}

function placeOf(volume: string, volumes: string[]): number {
  const place = volumes.indexOf(volume);
  return place < 0 ? volumes.push(volume) - 1 : place;
}

/** Most containers have none: one empty list for all. */
const noProbes: readonly ProbeSpec[] = [];

function probeSpecs(container: Raw): readonly ProbeSpec[] {
  const probes = probeTypes.flatMap((type) => probeSpec(type, container[`${type}Probe`]));
  return probes.length === 0 ? noProbes : probes;
}

const probeTypes: readonly ProbeType[] = ['startup', 'liveness', 'readiness'];

function probeSpec(type: ProbeType, value: unknown): ProbeSpec[] {
  if (value === undefined) return [];
  const probe = map(value);
  const action = (['exec', 'httpGet', 'tcpSocket', 'grpc'] as const).find(
    (kind) => probe[kind] !== undefined,
  );
  const graceSeconds = probe['terminationGracePeriodSeconds'];
  return [
    {
      type,
      action: action ?? 'exec',
      initialDelaySeconds: number(probe['initialDelaySeconds'], 0),
      periodMs: number(probe['periodSeconds'], 10) * 1000,
      successThreshold: number(probe['successThreshold'], 1),
      failureThreshold: number(probe['failureThreshold'], 3),
      ...(typeof graceSeconds === 'number' ? { graceMs: graceSeconds * 1000 } : {}),
    },
  ];
}

function secondsAsMs(value: unknown): number | undefined {
  return typeof value === 'number' ? value * 1000 : undefined;
}

function quantities(value: unknown): Quantities | undefined {
  return typeof value === 'object' && value !== null ? (value as Quantities) : undefined;
}

/** Whether a pod has ended for good. */
export function podHasEnded(pod: unknown): boolean {
  const phase = map(map(pod)['status'])['phase'];
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Amounts by resource name, as {@link resourceAmount} counts them. */
export type Amounts = Record<string, number>;

/**
 * What a pod takes of its node: its main containers and sidecars together, or more while an init container needs more,
 * and its overhead. Source: k8s.io/component-helpers/resource/helpers.go.
 */
export function podAmounts(spec: PodSpec, which: 'requests' | 'limits'): Amounts {
  const running: Amounts = {};
  const peak: Amounts = {};
  for (const container of spec.containers) {
    if (container.kind === 'main' || container.kind === 'sidecar') add(running, container[which]);
  }
  const sidecars: Amounts = {};
  for (const container of spec.containers) {
    if (container.kind === 'sidecar') add(sidecars, container[which]);
    const need = { ...sidecars };
    if (container.kind === 'init') add(need, container[which]);
    for (const [name, amount] of Object.entries(need)) peak[name] = Math.max(peak[name] ?? 0, amount);
  }
  for (const [name, amount] of Object.entries(peak)) running[name] = Math.max(running[name] ?? 0, amount);
  // An overhead counts against the limits only where there are any (same source).
  for (const [name, quantity] of Object.entries(spec.overhead ?? {})) {
    if (which === 'requests' || running[name] !== undefined) {
      running[name] = (running[name] ?? 0) + resourceAmount(name, quantity);
    }
  }
  return running;
}

function add(sum: Amounts, amounts: Quantities | undefined): void {
  for (const [name, quantity] of Object.entries(amounts ?? {})) {
    sum[name] = (sum[name] ?? 0) + resourceAmount(name, quantity);
  }
}
