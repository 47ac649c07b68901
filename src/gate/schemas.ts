import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import type { GateRun } from './gate-run.ts';
import type { Rule } from './rules.ts';

/** A value that does not fit its schema: where, step by step, and why. */
export type SchemaFault = { path: (string | number)[]; reason: string };

const validators = new Map<string, ValidateFunction>();

function validator(name: string): ValidateFunction {
  const known = validators.get(name);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(`./${name}`, import.meta.url), 'utf8');
  const made = new Ajv({ useDefaults: true, allowUnionTypes: true }).compile(JSON.parse(text) as object);
  validators.set(name, made);
  return made;
}

/**
 * The first fault of a value, whose defaults are filled in.
 * @param name of the schema's file.
 */
export function faultOf(name: string, value: unknown): SchemaFault | undefined {
  const validate = validator(name);
  if (validate(value)) return undefined;
  const error = validate.errors?.[0];
  const path = (error?.instancePath ?? '')
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step));
  const params = (error?.params ?? {}) as { additionalProperty?: string; allowedValues?: unknown[] };
  if (params.additionalProperty !== undefined) {
    return { path, reason: `has a key that is not known: ${JSON.stringify(params.additionalProperty)}` };
  }
  if (params.allowedValues !== undefined) {
    return { path, reason: `must be one of ${params.allowedValues.join(', ')}` };
  }
  return { path, reason: error?.message ?? 'does not fit the schema' };
}

/** The content of a `gate.yaml`, with its defaults filled in. @returns the rules, or the first fault. */
export function rulesOf(document: unknown): { rules: Rule[] } | { fault: SchemaFault } {
  const fault = faultOf('gate.schema.json', document);
  return fault === undefined ? { rules: (document as { rules: Rule[] }).rules } : { fault };
}

/** Where a fault is, as messages have it: `$.rows.0.quantile`. */
export const placeOf = ({ path }: SchemaFault): string => ['$', ...path].join('.');

/** A run of a baseline, or what is wrong with it. */
export function baselineRunOf(document: unknown): { run: GateRun } | { fault: SchemaFault } {
  const fault = faultOf('baseline-run.schema.json', document);
  return fault === undefined ? { run: document as GateRun } : { fault };
}
