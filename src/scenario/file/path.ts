/** A place in a scenario: keys and list indices from the root. */
export type ScenarioPath = readonly (string | number)[];

/** `phases[2].pacing.requestsPerSecond`, `nodes.labels["topology.kubernetes.io/zone"]`; the root is empty. */
export function formatPath(path: ScenarioPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step.length > 60 ? `${step.slice(0, 60)}…` : step)}]`;
  }
  return text;
}

/** Whether `path` is `prefix` or lies below it. */
export function startsWith(path: ScenarioPath, prefix: ScenarioPath): boolean {
  return prefix.length <= path.length && prefix.every((step, i) => step === path[i]);
}

/** Reads a JSON pointer as Ajv gives it; steps into lists become numbers. */
export function fromPointer(pointer: string, root: unknown): ScenarioPath {
  const path: (string | number)[] = [];
  let value = root;
  for (const raw of pointer.split('/').slice(1)) {
    const step = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(step) : step);
    value = isRecord(value) || Array.isArray(value) ? (value as Record<string, unknown>)[step] : undefined;
  }
  return path;
}

/** A map as YAML and JSON have them. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
