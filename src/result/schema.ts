import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { RunResult } from './result.ts';

/** Where the published JSON Schema of `result.json` lies: beside this file, in `src/` as in `dist/`. */
export const resultSchemaPath: URL = new URL('./result.schema.json', import.meta.url);

/** The part of a JSON Schema that {@link resultSchema} uses and that key order is taken from. */
export type SchemaNode = {
  $ref?: string;
  /** `on one line`: `serialiseResult` does not break such a value into lines. */
  $comment?: string;
  $defs?: Record<string, SchemaNode>;
  properties?: Record<string, SchemaNode>;
  required?: string[];
  items?: SchemaNode;
  additionalProperties?: boolean | SchemaNode;
};

let loaded: { schema: SchemaNode; validate: ValidateFunction<RunResult> } | undefined;

function load(): { schema: SchemaNode; validate: ValidateFunction<RunResult> } {
  if (loaded === undefined) {
    const schema = JSON.parse(readFileSync(resultSchemaPath, 'utf8')) as SchemaNode;
    // allErrors is off: one message that is read beats a hundred, and a hostile file cannot make it slow.
    // A timeline point's p99 is "number or null", a union that Ajv's strict mode wants to be told about.
    const ajv = new Ajv2020({ allErrors: false, allowUnionTypes: true });
    loaded = { schema, validate: ajv.compile<RunResult>(schema) };
  }
  return loaded;
}

/** The schema as plain data; read once. */
export function resultSchema(): SchemaNode {
  return load().schema;
}

/** What is wrong with a value, as `$.slis[3].p99` and a reason; undefined when it is a `RunResult`. */
export function findSchemaFault(value: unknown): { path: string; reason: string } | undefined {
  const { validate } = load();
  if (validate(value)) return undefined;
  const error = validate.errors?.[0];
  if (error === undefined) return { path: '$', reason: 'does not fit the schema' };
  return { path: readablePath(error.instancePath), reason: reasonOf(error) };
}

function readablePath(pointer: string): string {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return steps.reduce((path, step) => {
    if (/^\d+$/.test(step)) return `${path}[${step}]`;
    return /^[A-Za-z_][\w-]*$/.test(step) ? `${path}.${step}` : `${path}[${JSON.stringify(step)}]`;
  }, '$');
}

function reasonOf(error: ErrorObject): string {
  const params = error.params as Record<string, unknown>;
  if (error.keyword === 'additionalProperties') {
    return `has a key that is not known: ${JSON.stringify(params['additionalProperty'])}`;
  }
  if (error.keyword === 'enum') return `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`;
  if (error.keyword === 'const') return `must be ${JSON.stringify(params['allowedValue'])}`;
  return error.message ?? 'does not fit the schema';
}
