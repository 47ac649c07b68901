import { parseQuantity } from '../base/quantity.ts';
import { type PodPurpose, hollowTaintKey, phaseLabel, purposeLabel, runLabel } from './labels.ts';
import { runtimeClassName } from './runtime-class.ts';

/** How the containers of a phase look. Quantities are Kubernetes' own. */
export type PodShape = {
  image: string;
  requests: Readonly<Record<string, string>>;
  runtimeClass?: string | undefined;
};

export type Toleration = { key: string; operator: 'Exists' | 'Equal'; value?: string; effect?: string };

/** What all objects of one run share. */
export type ObjectContext = {
  runId: string;
  /** Tolerations for the taints of the scenario's nodes. */
  tolerations: readonly Toleration[];
  /**
   * Keeps pods on this run's hollow nodes by a node selector: for clusters that have other nodes too. Off on a
   * cluster of our own, where it would only cost the scheduler time.
   */
  confined: boolean;
};

/** What is wrong with the pods of a Deployment, for as long as it is there. */
export type PodFailure =
  /** The image is nowhere to be had: the pods never start. */
  | { failure: 'failed-pull' }
  /** The container ends with this code so long after each start, and is started again. */
  | { failure: 'exiting'; afterMs: number; exitCode: number }
  /** The container's memory grows and reaches its limit so long after each start: killed (OOMKilled), and started again. */
  | { failure: 'out-of-memory'; afterMs: number }
  /** Ready for so long, not Ready for as long, and so on. */
  | { failure: 'flapping'; everyMs: number };

export type DeploymentPlan = {
  namespace: string;
  name: string;
  phase: string;
  replicas: number;
  shape: PodShape;
  failure?: PodFailure;
  /** Whether a Service of the same name leads to its pods. */
  service: boolean;
};

export type PodPlan = {
  namespace: string;
  name: string;
  phase: string;
  shape: PodShape;
  /** A PersistentVolumeClaim of its namespace that it mounts: then it is load, and not there to be measured. */
  claim?: string;
};

/** A kubelet gives a container this long between SIGTERM and SIGKILL; pause ends at once. 0 would skip the kubelet. */
const terminationGracePeriodSeconds = 1;

const containerName = 'main';

const annotationPrefix = `hollowmark.dev/container.${containerName}`;

/** How a hollow kubelet is told how long a container runs before it ends by itself. */
export const runDurationAnnotation = `${annotationPrefix}.run-duration`;

/** And with which code. */
export const exitCodeAnnotation = `${annotationPrefix}.exit-code`;

const claimVolume = 'data';

/** No name server knows it (RFC 6761), and no hollow node pulls from it. */
const noRegistry = 'registry.invalid';

export function namespaceObject(name: string, context: ObjectContext): unknown {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { [runLabel]: context.runId } } };
}

export function deploymentObject(plan: DeploymentPlan, context: ObjectContext): unknown {
  const { failure } = plan;
  const purpose = failure === undefined ? 'load' : 'failing';
  const labels = { ...labelsOf(plan.phase, purpose, context), app: plan.name };
  const annotations = annotationsOf(failure, memoryLimit(plan.shape));
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: plan.name, namespace: plan.namespace, labels },
    spec: {
      replicas: plan.replicas,
      selector: { matchLabels: { app: plan.name } },
      template: {
        metadata: { labels, ...(annotations === undefined ? {} : { annotations }) },
        spec: podSpec(plan.shape, context, failure),
      },
    },
  };
}

/** What clients connect to, and where the pods would listen if they did. */
const servicePort = { name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 };

/** A Service of type ClusterIP in front of a Deployment's pods; controllers make its endpoint slices. */
export function serviceObject(plan: DeploymentPlan, context: ObjectContext): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: plan.name,
      namespace: plan.namespace,
      labels: { [runLabel]: context.runId, [phaseLabel]: plan.phase },
    },
    spec: { selector: { app: plan.name }, ports: [servicePort] },
  };
}

/** A pod without a controller. The phase and its purpose stand in its labels. */
export function podObject(plan: PodPlan, context: ObjectContext): unknown {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: plan.name,
      namespace: plan.namespace,
      labels: labelsOf(plan.phase, plan.claim === undefined ? 'latency' : 'load', context),
    },
    spec: podSpec(plan.shape, context, undefined, plan.claim),
  };
}

export function labelsOf(phase: string, purpose: PodPurpose, context: ObjectContext): Record<string, string> {
  return { [runLabel]: context.runId, [phaseLabel]: phase, [purposeLabel]: purpose };
}

/**
 * A pod that is stateless as the startup SLI means it, unless it mounts a claim. The token is mounted as it is by default, so that a kubelet has to
 * ask for one and to read kube-root-ca.crt (a projected volume, which the SLI allows).
 */
export function podSpec(
  shape: PodShape,
  context: ObjectContext,
  failure?: PodFailure,
  claim?: string,
): Record<string, unknown> {
  return {
    containers: [
      {
        name: containerName,
        image: failure?.failure === 'failed-pull' ? `${noRegistry}/${shape.image}` : shape.image,
        // Without a probe a container that runs is Ready.
        ...(failure?.failure === 'flapping'
          ? { readinessProbe: { exec: { command: ['true'] }, periodSeconds: 1, failureThreshold: 1 } }
          : {}),
        ...(claim === undefined ? {} : { volumeMounts: [{ name: claimVolume, mountPath: '/data' }] }),
        ...(failure?.failure === 'out-of-memory'
          ? { resources: resourcesOf(shape.requests, { memory: memoryLimit(shape) }) }
          : Object.keys(shape.requests).length === 0
            ? {}
            : { resources: resourcesOf(shape.requests) }),
      },
    ],
    ...(claim === undefined
      ? {}
      : { volumes: [{ name: claimVolume, persistentVolumeClaim: { claimName: claim } }] }),
    terminationGracePeriodSeconds,
    ...(shape.runtimeClass === undefined
      ? {}
      : { runtimeClassName: runtimeClassName(shape.runtimeClass, context) }),
    tolerations: [{ key: hollowTaintKey, operator: 'Exists' }, ...context.tolerations],
    ...(context.confined ? { nodeSelector: { [runLabel]: context.runId } } : {}),
  };
}

/** Of a container that is to run out of memory: what it requests, as a limit may not be below that. */
function memoryLimit({ requests }: PodShape): string {
  return requests['memory'] ?? '64Mi';
}

/** How a hollow kubelet is told what a container does by itself (`hollow/pods/container-behaviour.ts`). */
function annotationsOf(failure: PodFailure | undefined, memory: string): Record<string, string> | undefined {
  switch (failure?.failure) {
    case 'exiting':
      return {
        [runDurationAnnotation]: `${failure.afterMs}ms`,
        [exitCodeAnnotation]: String(failure.exitCode),
      };
    case 'out-of-memory': {
      const limitBytes = Number(parseQuantity(memory) ?? 0n) / 1e9;
      const bytesPerSecond = Math.ceil((limitBytes * 1000) / failure.afterMs);
      return { [`${annotationPrefix}.memory-growth-per-second`]: String(bytesPerSecond) };
    }
    case 'flapping':
      return { [`${annotationPrefix}.readiness-flaps-every`]: `${failure.everyMs}ms` };
    case 'failed-pull':
    case undefined:
      return undefined;
  }
}

/** Extended resources, such as nvidia.com/gpu, cannot be overcommitted: the API server wants them as limits too. */
function resourcesOf(
  requests: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>> = {},
): unknown {
  const extended = Object.entries(requests).filter(([name]) => name.includes('/'));
  const limits = { ...Object.fromEntries(extended), ...own };
  return Object.keys(limits).length === 0 ? { requests } : { requests, limits };
}

/** Tolerations for these taints, one each. */
export function tolerationsFor(
  taints: readonly { key: string; value?: string; effect: string }[],
): Toleration[] {
  return taints.map(({ key, value, effect }) =>
    value === undefined || value === ''
      ? { key, operator: 'Exists', effect }
      : { key, operator: 'Equal', value, effect },
  );
}
