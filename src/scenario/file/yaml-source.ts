import {
  type Document,
  LineCounter,
  type Node,
  type ParseOptions,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  visit,
} from 'yaml';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import type { Places } from './fault.ts';
import type { ScenarioPath } from './path.ts';

/** Aliases (`*name`), and how often one may be followed: more is an attack on time and memory, not a scenario. */
const aliasesMax = 100;

/** A scenario is five levels deep; an alias that contains itself has no end. */
const depthMax = 50;

/** Values in all: a scenario of 100 phases has some 2,000. Ajv's list of faults grows with the square. */
const valuesMax = 10_000;

/** Some of the library's messages quote whole tokens, and a token may be the rest of the file. */
const messageCharsMax = 160;

const parseOptions = {
  version: '1.2',
  schema: 'core',
  merge: false,
  uniqueKeys: true,
  prettyErrors: false,
  // A key is a name: `1: x` is the key "1", and a map cannot be a key.
  stringKeys: true,
  logLevel: 'error',
} as const satisfies ParseOptions & Record<string, unknown>;

/** A scenario file as data, which knows where everything stands. */
export class YamlSource implements Places {
  readonly file: string;
  /** The file's content; not validated. */
  readonly data: unknown;
  private readonly document: Document;
  private readonly lines: LineCounter;

  /** @throws HollowmarkError `bad-input` when the text is not one YAML document. */
  constructor(text: string, file: string) {
    this.file = file;
    this.lines = new LineCounter();
    try {
      this.document = parseDocument(text, { ...parseOptions, lineCounter: this.lines });
    } catch (cause) {
      // Nesting beyond the stack: the parser recurses.
      throw new HollowmarkError(
        'bad-input',
        `${file}: cannot be read as YAML: ${reasonOf(errorMessage(cause))}`,
        {
          cause,
        },
      );
    }
    const problem = this.document.errors[0] ?? this.document.warnings[0];
    if (problem !== undefined) {
      const { line, col } = this.lines.linePos(problem.pos[0]);
      const what = text.slice(problem.pos[0], problem.pos[0] + 60).split('\n')[0] ?? '';
      throw new HollowmarkError(
        'bad-input',
        `${file}:${line}:${col}: ${explain(problem.code, problem.message, what)}`,
      );
    }
    this.refuseUnknownAliases();
    try {
      this.data = plainCopy(this.document.toJS({ maxAliasCount: aliasesMax }));
    } catch (cause) {
      const reason = reasonOf(errorMessage(cause));
      throw new HollowmarkError('bad-input', `${file}: cannot be read as YAML: ${reason}`, { cause });
    }
  }

  placeOf(path: ScenarioPath, at: 'key' | 'value'): { line: number; column: number; offset: number } {
    const offset = this.offsetOf(path, at);
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col), offset };
  }

  /** The library finds these only when it makes data of the document, and then without saying where. */
  private refuseUnknownAliases(): void {
    let count = 0;
    visit(this.document, {
      Alias: (_, alias) => {
        if (++count > aliasesMax) {
          throw new HollowmarkError('bad-input', `${this.file}: more than ${aliasesMax} aliases (*name)`);
        }
        if (alias.resolve(this.document) !== undefined) return;
        const { line, col } = this.lines.linePos(alias.range?.[0] ?? 0);
        throw new HollowmarkError(
          'bad-input',
          `${this.file}:${line}:${col}: there is no anchor &${alias.source} before this *${alias.source}`,
        );
      },
    });
  }

  private offsetOf(path: ScenarioPath, at: 'key' | 'value'): number {
    let node: unknown = this.document.contents;
    let offset = startOf(node) ?? 0;
    for (const [i, step] of path.entries()) {
      if (isAlias(node)) node = node.resolve(this.document);
      const last = i === path.length - 1;
      if (isMap(node)) {
        const pair = node.items.find((item) => keyText(item.key) === String(step));
        if (pair === undefined) return offset;
        const keyOffset = startOf(pair.key) ?? offset;
        if (last && at === 'key') return keyOffset;
        node = pair.value;
        offset = startOf(node) ?? keyOffset;
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        if (node === undefined) return offset;
        offset = startOf(node) ?? offset;
      } else {
        return offset;
      }
    }
    return offset;
  }
}

/** Reads the value of `--set path=value`. @throws Error when it is not YAML. */
export function parseYamlValue(text: string): unknown {
  const document = parseDocument(text, parseOptions);
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) throw new Error(reasonOf(problem.message));
  return plainCopy(document.toJS({ maxAliasCount: aliasesMax }));
}

/** A copy in which nothing is shared: what an alias stands for can be overridden in one place alone. */
function plainCopy(root: unknown): unknown {
  let count = 0;
  const copy = (value: unknown, levelsMax: number): unknown => {
    if (++count > valuesMax) throw new Error(`more than ${valuesMax} values`);
    if (typeof value !== 'object' || value === null) return value;
    if (levelsMax === 0) throw new Error(`nested more than ${depthMax} levels deep`);
    if (Array.isArray(value)) return value.map((item) => copy(item, levelsMax - 1));
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item, levelsMax - 1)]));
  };
  return copy(root, depthMax);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? ((node as Node).range?.[0] ?? undefined) : undefined;
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function explain(code: string, message: string, what: string): string {
  if (code === 'DUPLICATE_KEY')
    return `the key ${JSON.stringify(what.split(':')[0]?.trim())} stands twice in the same map`;
  if (code === 'MULTIPLE_DOCS') return 'a second YAML document begins here; a scenario file holds one';
  if (code === 'TAB_AS_INDENT') return 'indented with a tab; YAML wants spaces';
  return `not valid YAML: ${reasonOf(message)}`;
}

/** The library's own words, without the file's content that some of them quote. */
function reasonOf(message: string): string {
  if (message.includes('call stack')) return 'nested too deeply';
  if (message.includes('alias count'))
    return `its aliases (*name) stand for more than ${aliasesMax} values each`;
  const line = message.split('\n')[0] ?? '';
  return line.length > messageCharsMax ? `${line.slice(0, messageCharsMax)}…` : line;
}
