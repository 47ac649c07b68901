/** The parts of a JSON Schema that the references show. */
export type Schema = {
  $ref?: string;
  $defs?: Record<string, Schema>;
  definitions?: Record<string, Schema>;
  title?: string;
  description?: string;
  errorMessage?: string;
  type?: string | string[];
  const?: string;
  enum?: string[];
  default?: unknown;
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  required?: string[];
  items?: Schema;
  oneOf?: Schema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  maxItems?: number;
  maxLength?: number;
};

/** Words for the definitions of a schema: the name in it, and what people call it (with its place on the page). */
export type Names = Readonly<Record<string, string>>;

/** Follows one `$ref`; the words beside it take precedence. */
export function resolve(root: Schema, node: Schema): Schema {
  if (node.$ref === undefined) return node;
  const { $ref, ...beside } = node;
  return { ...definition(root, $ref), ...beside };
}

function definition(root: Schema, ref: string): Schema {
  const name = nameOf(ref);
  const found = (root.definitions ?? root.$defs ?? {})[name];
  if (found === undefined) throw new Error(`the schema has no ${ref}`);
  return found;
}

const nameOf = (ref: string): string => ref.slice(ref.lastIndexOf('/') + 1);

/** A table of an object's fields: name, value, whether it must be there or what it is otherwise, meaning. */
export function fieldTable(root: Schema, object: Schema, names: Names, last: 'default' | 'required'): string {
  const rows = Object.entries(object.properties ?? {}).map(([name, node]) => {
    const required = object.required?.includes(name) ?? false;
    const otherwise =
      last === 'required' ? (required ? 'yes' : 'no') : defaultOf(resolve(root, node), required);
    return `| \`${name}\` | ${valueOf(root, node, names)} | ${otherwise} | ${meaningOf(root, node)} |`;
  });
  const titles = last === 'required' ? 'always there' : 'default';
  return [`| field | value | ${titles} | meaning |`, '|---|---|---|---|', ...rows].join('\n');
}

function defaultOf(node: Schema, required: boolean): string {
  if (required) return '**required**';
  if (node.default === undefined || isEmpty(node.default)) return '–';
  return `\`${typeof node.default === 'string' ? node.default : inline(node.default)}\``;
}

function isEmpty(value: unknown): boolean {
  return value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

/** A value as YAML writes it on one line. */
function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{${Object.entries(value)
    .map(([key, inner]) => `${key}: ${inline(inner)}`)
    .join(', ')}}`;
}

function meaningOf(root: Schema, node: Schema): string {
  return escape(node.description ?? resolve(root, node).description ?? '');
}

/** Text in a cell of a Markdown table. */
export function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

/** What may stand there: `integer, 1 to 50000`, `pods-started or nodes-ready`, a named definition. */
function valueOf(root: Schema, node: Schema, names: Names): string {
  if (node.$ref !== undefined) {
    const named = names[nameOf(node.$ref)];
    return named ?? valueOf(root, resolve(root, node), names);
  }
  if (node.const !== undefined) return `\`${node.const}\``;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(', ');
  if (node.type === 'array') return `list of ${valueOf(root, node.items ?? {}, names)}`;
  if (node.type === 'object') return objectValue(root, node, names);
  const types = [node.type ?? 'any value'].flat().map((type) => (type === 'string' ? 'text' : type));
  return `${types.join(' or ')}${rangeOf(node)}`;
}

function objectValue(root: Schema, node: Schema, names: Names): string {
  const { additionalProperties } = node;
  if (node.properties !== undefined) {
    const keys = Object.keys(node.properties).map((key) => `\`${key}\``);
    const further = typeof additionalProperties === 'object' ? ' and others' : '';
    return `map with ${keys.join(', ')}${further}`;
  }
  if (typeof additionalProperties !== 'object') return 'map';
  return `map of ${valueOf(root, additionalProperties, names)}`;
}

function rangeOf(node: Schema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = node;
  const low =
    exclusiveMinimum === undefined
      ? minimum === undefined
        ? ''
        : `at least ${minimum}`
      : `above ${exclusiveMinimum}`;
  const high =
    exclusiveMaximum === undefined
      ? maximum === undefined
        ? ''
        : `at most ${maximum}`
      : `below ${exclusiveMaximum}`;
  const parts = [low, high].filter((part) => part !== '');
  return parts.length === 0 ? '' : `, ${parts.join(' and ')}`;
}
