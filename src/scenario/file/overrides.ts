import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import { phaseNames } from '../compile.ts';
import { nearest } from '../../base/nearest.ts';
import type { Override } from './fault.ts';
import { alternatives } from './fault.ts';
import { formatPath, isRecord } from './path.ts';
import { type SchemaNode, resolveSchema, scenarioSchema } from './schema.ts';
import { parseYamlValue } from './yaml-source.ts';

/** What the command line changes in a scenario file. */
export type ScenarioOverrides = {
  /** `--nodes N`. */
  nodes?: number;
  /** `--seed S`. */
  seed?: string;
  /** `--set path=value`, in order: `nodes.count=50`, `phases[0].pacing.requestsPerSecond=5`, `phases.fill.podsPerNode=3`. */
  sets: readonly string[];
};

/** A way into a document, step by step, as it stands between the dots and brackets of `--set`. */
type Step = { text: string; bracketed: boolean };

/**
 * Writes the overrides into a document that has all its defaults (in place). Values are not checked here.
 * @returns what was set, so that a later fault can name the flag.
 * @throws HollowmarkError `bad-input` when a path leads nowhere or a value is not YAML.
 */
export function applyOverrides(document: unknown, overrides: ScenarioOverrides): Override[] {
  const applied: Override[] = [];
  const top = document as Record<string, unknown>;
  // `--set` comes last: it is the more particular one.
  if (overrides.nodes !== undefined) {
    (top['nodes'] as Record<string, unknown>)['count'] = overrides.nodes;
    applied.push({ path: ['nodes', 'count'], flag: `--nodes ${overrides.nodes}` });
  }
  if (overrides.seed !== undefined) {
    top['seed'] = overrides.seed;
    applied.push({ path: ['seed'], flag: `--seed ${overrides.seed}` });
  }
  for (const set of overrides.sets) applied.push(applySet(document, set));
  return applied;
}

function applySet(document: unknown, set: string): Override {
  const oneLine = set.replaceAll(/\s+/g, ' ');
  const flag = `--set ${oneLine.length > 120 ? `${oneLine.slice(0, 120)}…` : oneLine}`;
  const fail = (message: string, hint?: string): HollowmarkError =>
    new HollowmarkError('bad-input', `${flag}: ${message}`, hint === undefined ? {} : { hint });
  const { steps, valueText } = splitSet(set, fail);
  let value: unknown;
  try {
    value = parseYamlValue(valueText);
  } catch (cause) {
    const reason = errorMessage(cause).split('\n')[0] ?? '';
    throw fail(`the value ${JSON.stringify(valueText.slice(0, 60))} is not valid YAML: ${reason}`);
  }
  if (value === null || value === undefined) throw fail('there is no value after "="');

  const path: (string | number)[] = [];
  let container = document;
  let schema = resolveSchema(scenarioSchema(), document);
  for (const [i, step] of steps.entries()) {
    const found = stepInto(schema, container, step, path, fail);
    path.push(found.key);
    const record = container as Record<string | number, unknown>;
    if (i === steps.length - 1) {
      setOwn(record, found.key, value);
      break;
    }
    let next = Object.hasOwn(record, found.key) ? record[found.key] : undefined;
    if (next === undefined) {
      next = {};
      setOwn(record, found.key, next);
    }
    schema = resolveSchema(found.schema, next);
    container = next;
  }
  return { path, flag };
}

/** An own property, whatever the key: `__proto__` is just a name. */
function setOwn(record: Record<string | number, unknown>, key: string | number, value: unknown): void {
  Object.defineProperty(record, key, { value, enumerable: true, configurable: true, writable: true });
}

type Fail = (message: string, hint?: string) => HollowmarkError;

function stepInto(
  schema: SchemaNode,
  container: unknown,
  step: Step,
  path: readonly (string | number)[],
  fail: Fail,
): { key: string | number; schema: SchemaNode } {
  if (schema.items !== undefined && Array.isArray(container)) {
    return { key: indexOf(container, step, path, fail), schema: schema.items };
  }
  const parent = formatPath(path);
  if (
    !isRecord(container) ||
    (schema.properties === undefined && schema.additionalProperties === undefined)
  ) {
    throw fail(`${parent} is a single value and has no "${step.text}"`);
  }
  const known = schema.properties ?? {};
  const own = Object.hasOwn(known, step.text) ? known[step.text] : undefined;
  if (own !== undefined) return { key: step.text, schema: own };
  if (typeof schema.additionalProperties === 'object') {
    return { key: step.text, schema: schema.additionalProperties };
  }
  const near = nearest(step.text, Object.keys(known));
  const wanted = formatPath([...path, step.text]);
  const suggestion = near === undefined ? '' : `; the nearest is ${formatPath([...path, near])}`;
  throw fail(
    `there is no setting ${wanted}${suggestion}`,
    `settings ${path.length === 0 ? 'of a scenario' : `in ${parent}`}: ${Object.keys(known).join(', ')}`,
  );
}

/** The index that `[2]`, `.2` or, for phases, a name stands for. */
function indexOf(
  list: readonly unknown[],
  step: Step,
  path: readonly (string | number)[],
  fail: Fail,
): number {
  const where = formatPath(path);
  if (/^\d{1,6}$/.test(step.text)) {
    const index = Number(step.text);
    if (index < list.length) return index;
    const range = list.length === 0 ? 'is empty' : `has only [0] to [${list.length - 1}]`;
    throw fail(`there is no ${where}[${index}]; ${where} ${range}`);
  }
  if (where !== 'phases') throw fail(`${where} is a list: write ${where}[0], not "${step.text}"`);
  const names = phaseNames(list);
  const index = names.indexOf(step.text);
  if (index >= 0) return index;
  const near = nearest(step.text, names);
  throw fail(
    `there is no phase "${step.text}"${near === undefined ? '' : `; the nearest is phases.${near}`}`,
    `phases: ${alternatives(names)}`,
  );
}

/** `phases[0].pacing=x` → its steps and `x`. Keys with dots stand in brackets: `nodes.labels["a.b/c"]=x`. */
function splitSet(set: string, fail: Fail): { steps: Step[]; valueText: string } {
  const steps: Step[] = [];
  const token = /\.?([^.[\]="\s]+)|\[(?:"([^"\]]*)"|'([^'\]]*)'|([^\]"'=]+))\]/y;
  for (;;) {
    const match = token.exec(set);
    if (match === null) break;
    const [, plain, doubleQuoted, singleQuoted, bare] = match;
    if (plain !== undefined && match[0].startsWith('.') && steps.length === 0) break;
    const text = plain ?? doubleQuoted ?? singleQuoted ?? bare ?? '';
    steps.push({ text, bracketed: plain === undefined });
    if (set[token.lastIndex] === '=') return { steps, valueText: set.slice(token.lastIndex + 1) };
  }
  throw fail(
    'must be a path, "=" and a value',
    'such as --set nodes.count=50 or --set phases[0].pacing.requestsPerSecond=5',
  );
}
