import { parseBytes, parseDurationMs } from './units.ts';

/**
 * What a fake container does by itself: how long it runs, how its probes come out, how it takes a signal, what memory it
 * uses. Without any of it a container runs until it is told to stop, obeys at once and exits with 0, answers every probe,
 * and uses no memory. Times count from the container's start, at each start anew.
 */
export type ContainerBehaviour = {
  /** It ends by itself after this long; absent: never. */
  runDurationMs?: number;
  /** The code with which it ends by itself; 0 unless said. */
  exitCode?: number;
  /** From SIGTERM to its end; what goes beyond the grace period ends in SIGKILL and 137. */
  termDurationMs?: number;
  /** The code with which it ends after SIGTERM; 0 unless said, 143 for a program that handles no signals. */
  termExitCode?: number;
  /** How long a preStop hook of the kind `exec` or `httpGet` takes. */
  preStopDurationMs?: number;
  /** Its startup probe fails until then. */
  startedAfterMs?: number;
  /** Its readiness probe fails until then. */
  readyAfterMs?: number;
  /** Its readiness probe succeeds for this long, then fails for as long, and so on. */
  readinessFlapsEveryMs?: number;
  /** Its liveness probe fails from then on. */
  livenessFailsAfterMs?: number;
  /** What it uses from its start on. */
  memoryBytes?: number;
  memoryGrowthBytesPerSecond?: number;
};

const prefix = 'hollowmark.dev/container.';

/** `hollowmark.dev/container.<name>.<key>`: which field a key sets, and how its value is written. */
const keys: Record<string, { field: keyof ContainerBehaviour; parse: (text: string) => number | undefined }> =
  {
    'run-duration': { field: 'runDurationMs', parse: parseDurationMs },
    'exit-code': { field: 'exitCode', parse: parseExitCode },
    'term-duration': { field: 'termDurationMs', parse: parseDurationMs },
    'term-exit-code': { field: 'termExitCode', parse: parseExitCode },
    'pre-stop-duration': { field: 'preStopDurationMs', parse: parseDurationMs },
    'started-after': { field: 'startedAfterMs', parse: parseDurationMs },
    'ready-after': { field: 'readyAfterMs', parse: parseDurationMs },
    'readiness-flaps-every': { field: 'readinessFlapsEveryMs', parse: parsePositiveDurationMs },
    'liveness-fails-after': { field: 'livenessFailsAfterMs', parse: parseDurationMs },
    'memory-usage': { field: 'memoryBytes', parse: parseBytes },
    'memory-growth-per-second': { field: 'memoryGrowthBytesPerSecond', parse: parseBytes },
  };

/**
 * What a pod's annotations say of its containers, by container name. `faults` names every annotation with our prefix
 * that says nothing we understand, in a sentence for the pod's events.
 */
export function containerBehaviours(annotations: Record<string, unknown>): {
  byContainer: Map<string, ContainerBehaviour>;
  faults: string[];
} {
  const byContainer = new Map<string, ContainerBehaviour>();
  const faults: string[] = [];
  for (const [annotation, value] of Object.entries(annotations)) {
    if (!annotation.startsWith(prefix)) continue;
    const [name = '', key = ''] = annotation.slice(prefix.length).split('.');
    const known = keys[key];
    if (known === undefined) {
      faults.push(`Annotation ${annotation} is not known; there are ${Object.keys(keys).join(', ')}`);
      continue;
    }
    const parsed = known.parse(String(value));
    if (parsed === undefined) {
      faults.push(`Annotation ${annotation} cannot be read: "${String(value)}"`);
      continue;
    }
    byContainer.set(name, { ...byContainer.get(name), [known.field]: parsed });
  }
  return { byContainer, faults };
}

function parseExitCode(text: string): number | undefined {
  return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : undefined;
}

function parsePositiveDurationMs(text: string): number | undefined {
  const ms = parseDurationMs(text);
  return ms === 0 ? undefined : ms;
}
