import { stringify } from 'yaml';
import type { Prng } from '../../src/base/prng.ts';

const oddTexts = [
  '',
  ' ',
  '5',
  '-5s',
  'x'.repeat(300),
  '\u001b[2J',
  'é\u202e\u0000',
  '</script>',
  '0',
  'pass',
  'a-b',
];

/** Values of other types and sizes than anything expects. */
const oddValues: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e9, 1e300, Number.MAX_SAFE_INTEGER, 2 ** 31],
  ...[
    '',
    ' ',
    '5',
    '5s',
    '-5s',
    '1e3',
    'true',
    'null',
    '.nan',
    'x'.repeat(300),
    '\u001b[2J',
    'é\u202e\u0000',
  ],
  ...[
    '__proto__',
    'constructor',
    '../../etc/passwd',
    'https://[',
    'aGVsbG8=',
    '{{',
    '*a',
    '&a',
    '!!int',
    '<<',
  ],
  ...[[], {}, [[]], [null], { a: 1 }, [1, 'a', {}], { type: 'x' }, { name: 'x' }],
];

const oddKeys = [
  '__proto__',
  'constructor',
  'toString',
  '',
  'Name',
  'count ',
  'kind',
  'schema',
  '0',
  '\u0000',
];

type Container = Record<string, unknown> | unknown[];

const pick = <T>(prng: Prng, list: readonly T[]): T => list[prng.below(list.length)] as T;

const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null;

/** Every map and list of a document. */
function containers(root: unknown, found: Container[] = []): Container[] {
  if (!isContainer(root)) return found;
  found.push(root);
  for (const child of Object.values(root)) containers(child, found);
  return found;
}

/** An own property, whatever its key. */
function set(container: Container, key: string, value: unknown): void {
  Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Deletes, duplicates, retypes, renames or moves one node of a document, in place. */
function mutateNode(root: Container, prng: Prng): void {
  const container = pick(prng, containers(root));
  const keys = Object.keys(container);
  if (keys.length === 0) {
    set(container, Array.isArray(container) ? '0' : pick(prng, oddKeys), pick(prng, oddValues));
    return;
  }
  const key = pick(prng, keys);
  const value = (container as Record<string, unknown>)[key];
  switch (prng.below(6)) {
    case 0:
      if (Array.isArray(container)) container.splice(Number(key), 1);
      else delete container[key];
      break;
    case 1:
      if (Array.isArray(container)) container.splice(Number(key), 0, structuredClone(value));
      else set(container, pick(prng, oddKeys), structuredClone(value));
      break;
    case 2:
      if (!Array.isArray(container)) delete container[key];
      set(container, Array.isArray(container) ? key : `${key.slice(1)}${key.slice(0, 1)}`, value);
      break;
    case 3:
      // Something from elsewhere in the document: the right kind of thing in the wrong place.
      set(container, key, structuredClone(pick(prng, containers(root))));
      break;
    case 4:
      // Of the same type: these come further.
      if (typeof value === 'number') set(container, key, value * pick(prng, [-1, 0, 0.5, 2, 10, 1e6]));
      else if (typeof value === 'boolean') set(container, key, !value);
      else set(container, key, typeof value === 'string' ? pick(prng, oddTexts) : [value]);
      break;
    default:
      set(container, key, structuredClone(pick(prng, oddValues)));
  }
}

/** The document after one or a few changes of its structure, as text. */
export function mutateStructure(document: Container, prng: Prng, format: 'yaml' | 'json'): string {
  const copy = structuredClone(document);
  do mutateNode(copy, prng);
  while (prng.below(3) === 0);
  return format === 'json' ? JSON.stringify(copy) : stringify(copy);
}

/** The bytes after one or a few flips, cuts, repetitions and splices. */
export function mutateBytes(original: Buffer, others: readonly Buffer[], prng: Prng): Buffer {
  let bytes = Buffer.from(original);
  do {
    const at = prng.below(bytes.length + 1);
    const end = Math.min(bytes.length, at + prng.below(60));
    switch (prng.below(6)) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << prng.below(8));
        break;
      case 1:
        if (at < bytes.length) bytes[at] = prng.below(256);
        break;
      case 2:
        bytes = bytes.subarray(0, at);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]);
        break;
      default: {
        const other = pick(prng, others);
        const from = prng.below(other.length);
        const piece = other.subarray(from, from + prng.below(200));
        bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
      }
    }
  } while (prng.below(3) === 0);
  return bytes;
}
