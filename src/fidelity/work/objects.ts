import { pauseImage, workImage } from '../reference/images.ts';

/** An object of the work, and where it is created. */
export type WorkObject = { collection: string; name: string; object: unknown };

/** Nobody can pull it: nothing listens there. */
export const absentImage = '127.0.0.1:9/none:1';

/** Of all that the work creates. */
export const workLabel = 'hollowmark.dev/work';

type Container = Record<string, unknown>;

/** What a hollow container does where a real one runs a command. */
type Behaviour = {
  runDuration?: string;
  exitCode?: number;
  termDuration?: string;
  livenessFailsAfter?: string;
};

const podsOf = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`;

const small = { requests: { cpu: '5m', memory: '10Mi' } };

const pause = (name: string): Container => ({
  name,
  image: pauseImage,
  imagePullPolicy: 'IfNotPresent',
  resources: small,
});

const shell = (name: string, script: string): Container => ({
  name,
  image: workImage,
  imagePullPolicy: 'IfNotPresent',
  command: ['sh', '-c', script],
  resources: small,
});

export function namespaceObject(name: string): WorkObject {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  return { collection: '/api/v1/namespaces', name, object };
}

export function deploymentObject(namespace: string, replicas: number): WorkObject {
  const labels = { [workLabel]: 'deployment' };
  return {
    collection: `/apis/apps/v1/namespaces/${namespace}/deployments`,
    name: 'plain',
    object: {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'plain' },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [pause('main')] } },
      },
    },
  };
}

/** So that proxies have something to do when the pods of {@link deploymentObject} come and go. */
export function serviceObject(namespace: string): WorkObject {
  return {
    collection: `/api/v1/namespaces/${namespace}/services`,
    name: 'plain',
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'plain' },
      spec: { selector: { [workLabel]: 'deployment' }, ports: [{ port: 80 }] },
    },
  };
}

/** A pod of one container that runs until it is ended. @param kind of work, as its label. */
export function plainPod(namespace: string, name: string, kind: string): WorkObject {
  return podObject(namespace, name, kind, { containers: [pause('main')] });
}

/** What {@link varietyPods} refer to. */
export function referredObjects(namespace: string): WorkObject[] {
  const metadata = { name: 'settings' };
  return [
    {
      collection: `/api/v1/namespaces/${namespace}/secrets`,
      name: 'settings',
      object: { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { key: 'secret' } },
    },
    {
      collection: `/api/v1/namespaces/${namespace}/configmaps`,
      name: 'settings',
      object: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { key: 'value' } },
    },
  ];
}

/** What {@link gatedPod} waits for. */
export const gate = 'hollowmark.dev/gate';

/** A pod whose containers are ready before it is. */
export function gatedPod(namespace: string): WorkObject {
  const spec = { readinessGates: [{ conditionType: gate }], containers: [pause('main')] };
  return podObject(namespace, 'gated', 'gated', spec);
}

/** Pods that any node can run to Ready: with a Secret and a ConfigMap, of two containers, with probes. */
export function readyPods(namespace: string): WorkObject[] {
  const keyRef = { name: 'settings', key: 'key' };
  return [
    podObject(namespace, 'refers', 'refers', {
      containers: [
        {
          ...pause('main'),
          env: [{ name: 'KEY', valueFrom: { configMapKeyRef: keyRef } }],
          volumeMounts: [{ name: 'secret', mountPath: '/etc/secret' }],
        },
      ],
      volumes: [{ name: 'secret', secret: { secretName: 'settings' } }],
    }),
    podObject(namespace, 'two', 'two', { containers: [pause('first'), pause('second')] }),
    podObject(
      namespace,
      'probed',
      'probed',
      {
        // As process 1 it hears no SIGTERM: it lasts as long as its grace period.
        terminationGracePeriodSeconds: 3,
        containers: [
          {
            ...shell('main', 'exec sleep 3600'),
            readinessProbe: { exec: { command: ['true'] }, initialDelaySeconds: 1, periodSeconds: 2 },
          },
        ],
      },
      { main: { termDuration: '1h' } },
    ),
    // Restarted once within the phase: the next failure is due when it is over.
    podObject(
      namespace,
      'sickening',
      'sickening',
      {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            ...shell('main', ': > /healthy; sleep 28; rm /healthy; exec sleep 3600'),
            livenessProbe: {
              exec: { command: ['sh', '-c', 'test -e /healthy'] },
              periodSeconds: 3,
              failureThreshold: 1,
            },
          },
        ],
      },
      { main: { termDuration: '1h', livenessFailsAfter: '28s' } },
    ),
  ];
}

/**
 * Pods that need more of a runtime: an init container and a sidecar, a Job, a crash loop, a failed pull, a deadline. Their
 * containers end, well or badly, or cannot start.
 */
export function endingPods(namespace: string): WorkObject[] {
  const jobLabels = { [workLabel]: 'job' };
  return [
    podObject(
      namespace,
      'initialised',
      'initialised',
      { initContainers: [shell('first', 'sleep 1')], containers: [pause('main')] },
      { first: { runDuration: '1s', exitCode: 0 } },
    ),
    podObject(namespace, 'accompanied', 'accompanied', {
      initContainers: [{ ...pause('companion'), restartPolicy: 'Always' }],
      containers: [pause('main')],
    }),
    {
      collection: `/apis/batch/v1/namespaces/${namespace}/jobs`,
      name: 'job',
      object: {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'job' },
        spec: {
          template: {
            metadata: {
              labels: jobLabels,
              annotations: behaviours({ main: { runDuration: '2s', exitCode: 0 } }),
            },
            spec: { restartPolicy: 'Never', containers: [shell('main', 'sleep 2')] },
          },
        },
      },
    },
    podObject(
      namespace,
      'crashing',
      'crashing',
      { containers: [shell('main', 'sleep 1; exit 1')] },
      { main: { runDuration: '1s', exitCode: 1 } },
    ),
    podObject(namespace, 'unpulled', 'unpulled', {
      containers: [{ ...pause('main'), image: absentImage }],
    }),
    podObject(namespace, 'overdue', 'overdue', {
      activeDeadlineSeconds: 20,
      containers: [pause('main')],
    }),
  ];
}

function podObject(
  namespace: string,
  name: string,
  kind: string,
  spec: Record<string, unknown>,
  containers: Readonly<Record<string, Behaviour>> = {},
): WorkObject {
  const annotations = behaviours(containers);
  return {
    collection: podsOf(namespace),
    name,
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        labels: { [workLabel]: kind },
        ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      },
      spec,
    },
  };
}

/** The annotations that tell a hollow node what a real one finds out by running the command. */
function behaviours(containers: Readonly<Record<string, Behaviour>>): Record<string, string> {
  const annotations: Record<string, string> = {};
  for (const [name, behaviour] of Object.entries(containers)) {
    const { runDuration, exitCode, termDuration, livenessFailsAfter } = behaviour;
    const prefix = `hollowmark.dev/container.${name}`;
    if (runDuration !== undefined) annotations[`${prefix}.run-duration`] = runDuration;
    if (exitCode !== undefined) annotations[`${prefix}.exit-code`] = String(exitCode);
    if (termDuration !== undefined) annotations[`${prefix}.term-duration`] = termDuration;
    if (livenessFailsAfter !== undefined) annotations[`${prefix}.liveness-fails-after`] = livenessFailsAfter;
  }
  return annotations;
}
