import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { packageRoot } from '../../base/package-info.ts';
import { nearest } from '../../base/nearest.ts';
import { type Fault, alternatives, describeValue, subject } from './fault.ts';
import { formatPath, fromPointer } from './path.ts';

/** The published JSON Schema: editors use the same file. */
export const scenarioSchemaPath: string = join(packageRoot, 'scenarios', 'scenario.schema.json');

/** The parts of the schema that are read here and by `--set`. */
export type SchemaNode = {
  $ref?: string;
  type?: string | string[];
  description?: string;
  errorMessage?: string;
  properties?: Record<string, SchemaNode>;
  additionalProperties?: boolean | SchemaNode;
  items?: SchemaNode;
  oneOf?: SchemaNode[];
  discriminator?: { propertyName: string };
  const?: string;
  definitions?: Record<string, SchemaNode>;
};

let loaded: { schema: SchemaNode; validate: ValidateFunction } | undefined;

function load(): { schema: SchemaNode; validate: ValidateFunction } {
  if (loaded === undefined) {
    const schema = JSON.parse(readFileSync(scenarioSchemaPath, 'utf8')) as SchemaNode;
    const ajv = new Ajv({
      // All, so that the first in the file can be reported; the file's size bounds their number.
      allErrors: true,
      discriminator: true,
      useDefaults: true,
      allowUnionTypes: true,
      verbose: true,
      // `required: [type]` stands beside a discriminator, whose branches define the property.
      strictRequired: false,
    });
    // The keyword in which editors (VS Code's JSON and YAML servers) look for a message of the schema's own.
    ajv.addVocabulary(['errorMessage']);
    loaded = { schema, validate: ajv.compile(schema) };
  }
  return loaded;
}

/** The schema as plain data; read once. */
export function scenarioSchema(): SchemaNode {
  return load().schema;
}

/** Follows `$ref`s, and picks the branch of a discriminated union that `value` belongs to. */
export function resolveSchema(node: SchemaNode, value: unknown): SchemaNode {
  let found = node;
  while (found.$ref !== undefined) found = definition(found.$ref);
  if (found.discriminator === undefined) return found;
  const tag = found.discriminator.propertyName;
  const word = (value as Record<string, unknown> | null | undefined)?.[tag];
  return branchesOf(found).find((branch) => branch.properties?.[tag]?.const === word) ?? found;
}

/**
 * Fills in the schema's defaults (in place) and says what does not fit.
 * @returns the faults in no particular order; empty when `data` is a scenario document.
 */
export function findSchemaFaults(data: unknown): Fault[] {
  const { validate } = load();
  if (validate(data)) return [];
  const faults: SchemaFault[] = [];
  for (const error of validate.errors ?? []) {
    const fault = toFault(error, data);
    if (fault !== undefined) faults.push(fault);
  }
  // A misspelt key is also a missing one: the misspelling is what the user wants to hear of.
  const misspelt = new Set(
    faults.filter(({ at }) => at === 'key').map(({ path }) => formatPath(path.slice(0, -1))),
  );
  return faults.filter(({ missing, path }) => missing !== true || !misspelt.has(formatPath(path)));
}

type SchemaFault = Fault & { missing?: true };

function toFault(error: ErrorObject, data: unknown): SchemaFault | undefined {
  const path = fromPointer(error.instancePath, data);
  const params = error.params as Record<string, unknown>;
  const schema = error.parentSchema as SchemaNode;
  switch (error.keyword) {
    case 'required': {
      const key = String(params['missingProperty']);
      return { path, at: 'value', message: `${subject(path)} has no "${key}"`, missing: true };
    }
    case 'additionalProperties':
      return unknownKey(
        [...path, String(params['additionalProperty'])],
        Object.keys(schema.properties ?? {}),
      );
    case 'discriminator':
      return wrongWord(error, [...path, String(params['tag'])], schema);
    case 'propertyNames':
      // Says the same again as the error of the pattern, which has `propertyName`.
      return undefined;
    default:
      break;
  }
  if (error.propertyName !== undefined) {
    const key = error.propertyName;
    return {
      path: [...path, key],
      at: 'key',
      message: `the key ${describeValue(key)} of ${subject(path)} ${schema.errorMessage ?? error.message}`,
    };
  }
  if (error.keyword === 'enum') {
    return wrongEnum(path, error.data, (params['allowedValues'] as string[]) ?? []);
  }
  return {
    path,
    at: 'value',
    message: `${subject(path)} ${expectation(error)}, not ${describeValue(error.data)}`,
  };
}

function unknownKey(path: (string | number)[], known: string[]): SchemaFault {
  const key = String(path.at(-1));
  const near = nearest(key, known);
  const suggestion = near === undefined ? '' : `; did you mean "${near}"?`;
  return {
    path,
    at: 'key',
    message: `unknown key ${formatPath(path)}${suggestion}`,
    hint: `keys that are known here: ${known.join(', ')}`,
  };
}

function wrongWord(
  error: ErrorObject,
  path: (string | number)[],
  schema: SchemaNode,
): SchemaFault | undefined {
  const tag = String(path.at(-1));
  const value = (error.data as Record<string, unknown>)[tag];
  // Missing altogether: "required" says so.
  if (value === undefined) return undefined;
  const words = branchesOf(schema).map((branch) => branch.properties?.[tag]?.const ?? '');
  return wrongEnum(path, value, words);
}

function wrongEnum(
  path: readonly (string | number)[],
  value: unknown,
  words: readonly string[],
): SchemaFault {
  const near = typeof value === 'string' ? nearest(value, words) : undefined;
  const suggestion = near === undefined ? '' : `; did you mean "${near}"?`;
  return {
    path,
    at: 'value',
    message: `${formatPath(path)} must be ${alternatives(words)}, not ${describeValue(value)}${suggestion}`,
  };
}

/** "must be …" in the user's words. */
function expectation(error: ErrorObject): string {
  const schema = error.parentSchema as SchemaNode;
  if (schema.errorMessage !== undefined) return schema.errorMessage;
  const limit = String((error.params as Record<string, unknown>)['limit']);
  switch (error.keyword) {
    case 'type':
      return typeExpectation(schema.type);
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    case 'exclusiveMinimum':
      return `must be greater than ${limit}`;
    case 'exclusiveMaximum':
      return `must be less than ${limit}`;
    case 'minLength':
      return `must have at least ${limit} characters`;
    case 'maxLength':
      return `must have at most ${limit} characters`;
    default:
      return error.message ?? 'does not fit the schema';
  }
}

function typeExpectation(type: SchemaNode['type']): string {
  if (type === 'integer') return 'must be a whole number';
  if (type === 'number') return 'must be a number';
  if (type === 'object') return 'must be a map';
  if (type === 'array') return 'must be a list';
  if (type === 'boolean') return 'must be true or false';
  return 'must be a text';
}

function branchesOf(node: SchemaNode): SchemaNode[] {
  return (node.oneOf ?? []).map((branch) => (branch.$ref === undefined ? branch : definition(branch.$ref)));
}

function definition(ref: string): SchemaNode {
  return scenarioSchema().definitions?.[ref.slice('#/definitions/'.length)] ?? {};
}
