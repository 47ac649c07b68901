import { join } from 'node:path';
import { HollowmarkError } from '../base/errors.ts';
import { writeFileAtomically } from './atomic-file.ts';
import { type RunResult, resultFileName } from './result.ts';
import { findSchemaFault, resultSchema, type SchemaNode } from './schema.ts';

/**
 * Writes `DIR/result.json`: indented, keys in the schema's order, so that two results can be compared line by
 * line. The file appears complete or not at all. Makes the folder.
 *
 * @returns the path of the file
 * @throws HollowmarkError `bad-input` when the folder cannot be written (read-only, full, no permission), with
 *   the path. `internal` when the result does not fit the schema: the file is written all the same, because what
 *   was measured cannot be had again.
 */
export function writeResult(dir: string, result: RunResult): string {
  const path = join(dir, resultFileName);
  const text = serialiseResult(result);
  writeFileAtomically(path, text);
  // The text is checked, not the object: NaN and Infinity become null on the way.
  const fault = findSchemaFault(JSON.parse(text));
  if (fault !== undefined) {
    throw new HollowmarkError('internal', `${path}: ${fault.path} ${fault.reason}`, {
      hint: 'The result was written, but reports will refuse it. Please report this as a fault of Hollowmark.',
    });
  }
  return path;
}

/** The text of a `result.json`: indented, but for values of which there are thousands; those take a line each. */
export function serialiseResult(result: RunResult): string {
  const schema = resultSchema();
  return `${indented(inSchemaOrder(result, schema, schema), schema, schema, '')}\n`;
}

/** As `JSON.stringify` with an indent of 2, but for what the schema wants on one line. */
function indented(value: unknown, node: SchemaNode | undefined, root: SchemaNode, indent: string): string {
  const schema = resolved(node, root);
  if (typeof value !== 'object' || value === null || schema?.$comment === 'on one line') {
    return JSON.stringify(value) ?? 'null';
  }
  const inner = `${indent}  `;
  const lines = Array.isArray(value)
    ? value.map((item) => indented(item, schema?.items, root, inner))
    : Object.entries(value)
        .filter(([, field]) => field !== undefined)
        .map(([key, field]) => {
          return `${JSON.stringify(key)}: ${indented(field, schema?.properties?.[key], root, inner)}`;
        });
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (lines.length === 0) return `${open}${close}`;
  return `${open}\n${lines.map((line) => inner + line).join(',\n')}\n${indent}${close}`;
}

function resolved(node: SchemaNode | undefined, root: SchemaNode): SchemaNode | undefined {
  return node?.$ref === undefined ? node : root.$defs?.[node.$ref.slice('#/$defs/'.length)];
}

/**
 * The same value with the keys that the schema names first and in its order. Keys of maps (labels, flags, phases
 * of a pod) keep theirs: for some of them the order carries meaning.
 */
function inSchemaOrder(value: unknown, node: SchemaNode | undefined, root: SchemaNode): unknown {
  const schema = resolved(node, root);
  if (Array.isArray(value)) return value.map((item) => inSchemaOrder(item, schema?.items, root));
  const properties = schema?.properties;
  if (typeof value !== 'object' || value === null || properties === undefined) return value;
  const given = value as Record<string, unknown>;
  const known = Object.keys(properties).filter((key) => Object.hasOwn(given, key));
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(properties, key));
  return Object.fromEntries(
    [...known, ...unknown].map((key) => [key, inSchemaOrder(given[key], properties[key], root)]),
  );
}
