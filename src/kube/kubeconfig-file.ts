import { type Document, Lexer, LineCounter, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { readTextFile } from './text-file.ts';

/** Those of a hundred clusters, with all certificates inline, have some 0.7 MB. */
const fileBytesMax = 1024 * 1024;

/**
 * Beyond these the parser, which recurses and compares each key with all others, takes minutes or the process with it. A
 * kubeconfig has six levels, and some 8 tokens a line.
 */
const bracketsMax = 100;
const columnMax = 200;
const tokensMax = 100_000;

const hintOfFile = 'name a kubeconfig file, such as ~/.kube/config';

export type EntryKind = 'context' | 'cluster' | 'user';

type Path = readonly (string | number)[];
type Fields = Record<string, unknown>;

/** A kubeconfig file as YAML, which knows where everything stands. Reads nothing but the file itself. */
export class KubeconfigFile {
  readonly path: string;
  private readonly document: Document;
  private readonly lines = new LineCounter();
  private readonly data: Fields;

  /** @throws HollowmarkError `bad-input` when the file cannot be read, or is no kubeconfig. */
  constructor(path: string) {
    this.path = path;
    const text = this.readText();
    const excess = excessOf(text);
    if (excess !== undefined) throw this.fileFault(excess, hintOfFile);
    try {
      this.document = parseDocument(text, {
        lineCounter: this.lines,
        prettyErrors: false,
        stringKeys: true,
        merge: true,
        logLevel: 'error',
      });
    } catch (cause) {
      throw this.fileFault(`cannot be read as YAML: ${errorMessage(cause)}`, hintOfFile, cause);
    }
    const problem = this.document.errors[0];
    if (problem !== undefined) {
      const { line, col } = this.lines.linePos(problem.pos[0]);
      throw new HollowmarkError('bad-input', `${path}:${line}:${col}: not YAML: ${problem.message}`, {
        hint: hintOfFile,
      });
    }
    let data: unknown;
    try {
      data = this.document.toJS({ maxAliasCount: 100 });
    } catch (cause) {
      throw this.fileFault(`cannot be read as YAML: ${errorMessage(cause)}`, hintOfFile, cause);
    }
    if (!isFields(data) || !('clusters' in data || 'contexts' in data || data['kind'] === 'Config')) {
      throw this.fileFault(
        'not a kubeconfig: it has neither kind: Config nor clusters and contexts',
        hintOfFile,
      );
    }
    this.data = data;
  }

  /** The context that is used when none is named. */
  get currentContext(): string | undefined {
    const name = this.data['current-context'];
    if (isAbsent(name)) return undefined;
    if (typeof name === 'string') return name;
    throw this.fault(['current-context'], `current-context must be a text, not ${describe(name)}`);
  }

  /** The names of all entries of a kind. */
  names(kind: EntryKind): string[] {
    return this.entries(kind).flatMap((entry) =>
      isFields(entry) && typeof entry['name'] === 'string' ? [entry['name']] : [],
    );
  }

  /** The entry of that name; undefined when there is none. @throws HollowmarkError when it has no content. */
  find(kind: EntryKind, name: string): KubeconfigEntry | undefined {
    const isIt = (entry: unknown): boolean => isFields(entry) && entry['name'] === name;
    const index = this.entries(kind).findIndex(isIt);
    if (index < 0) return undefined;
    const second = this.entries(kind).findLastIndex(isIt);
    if (second > index) {
      throw this.fault(
        [`${kind}s`, second],
        `there are two ${kind}s ${quoted(name)}`,
        'give each its own name',
      );
    }
    const place = [`${kind}s`, index, kind];
    const subject = `${kind}s[${quoted(name)}].${kind}`;
    const fields = (this.entries(kind)[index] as Fields)[kind];
    if (!isFields(fields)) {
      throw this.fault(place, `${subject} must be a map, not ${describe(fields)}`);
    }
    return new KubeconfigEntry(this, name, place, subject, fields);
  }

  /** The error for what stands at `place`; what is wrong there is said in full by `message`. */
  fault(place: Path, message: string, hint?: string): HollowmarkError {
    return new HollowmarkError(
      'bad-input',
      `${this.whereIs(place)}: ${message}`,
      hint === undefined ? {} : { hint },
    );
  }

  /** File, line and column of what stands at `place`. */
  whereIs(place: Path): string {
    const { line, col } = this.lines.linePos(this.offsetOf(place));
    return `${this.path}:${Math.max(1, line)}:${Math.max(1, col)}`;
  }

  /** The error for the file as a whole. */
  fileFault(message: string, hint: string, cause?: unknown): HollowmarkError {
    return new HollowmarkError('bad-input', `${this.path}: ${message}`, {
      hint,
      ...(cause === undefined ? {} : { cause }),
    });
  }

  private readText(): string {
    let text: string;
    try {
      text = readTextFile(this.path, fileBytesMax);
    } catch (cause) {
      throw this.fileFault(errorMessage(cause), hintOfFile, cause);
    }
    if (text.trim() === '') throw this.fileFault('the file is empty', hintOfFile);
    return text;
  }

  private entries(kind: EntryKind): unknown[] {
    const list = this.data[`${kind}s`];
    if (isAbsent(list)) return [];
    if (Array.isArray(list)) return list;
    throw this.fault([`${kind}s`], `${kind}s must be a list, not ${describe(list)}`);
  }

  /** Where the value at `place` stands, or the nearest thing around it that the file has. */
  private offsetOf(place: Path): number {
    let node: unknown = this.document.contents;
    let offset = 0;
    for (const step of place) {
      if (isMap(node)) {
        node = node.items.find(({ key }) => isScalar(key) && key.value === step)?.value;
      } else if (isSeq(node)) node = node.items[Number(step)];
      else break;
      if (!isNode(node)) break;
      offset = node.range?.[0] ?? offset;
    }
    return offset;
  }
}

/** One context, cluster or user, or a map within it. What is absent, null or empty counts as not there. */
export class KubeconfigEntry {
  readonly name: string;
  readonly file: KubeconfigFile;
  private readonly place: Path;
  /** `users["alice"].user` */
  private readonly subject: string;
  private readonly fields: Fields;

  constructor(file: KubeconfigFile, name: string, place: Path, subject: string, fields: Fields) {
    this.file = file;
    this.name = name;
    this.place = place;
    this.subject = subject;
    this.fields = fields;
  }

  /** What it is and where it stands, for messages. */
  get where(): string {
    return `${this.file.whereIs(this.place)}: ${this.subject}`;
  }

  has(field: string): boolean {
    return !isAbsent(this.fields[field]);
  }

  /** @throws HollowmarkError `bad-input`, as the next ones, when the value is of another type. */
  text(field: string): string | undefined {
    const value = this.fields[field];
    if (isAbsent(value)) return undefined;
    if (typeof value === 'string') return value;
    throw this.fault(
      field,
      `must be a text, not ${describe(value)}`,
      typeof value === 'object' ? undefined : 'put it into quotes',
    );
  }

  flag(field: string): boolean {
    const value = this.fields[field];
    if (isAbsent(value)) return false;
    if (typeof value === 'boolean') return value;
    throw this.fault(field, `must be true or false, not ${describe(value)}`);
  }

  /** A list; an empty one when there is none. */
  list(field: string): unknown[] {
    const value = this.fields[field];
    if (isAbsent(value)) return [];
    if (Array.isArray(value)) return value;
    throw this.fault(field, `must be a list, not ${describe(value)}`);
  }

  map(field: string): KubeconfigEntry | undefined {
    const value = this.fields[field];
    if (isAbsent(value)) return undefined;
    if (!isFields(value)) throw this.fault(field, `must be a map, not ${describe(value)}`);
    return new KubeconfigEntry(
      this.file,
      this.name,
      [...this.place, field],
      `${this.subject}.${field}`,
      value,
    );
  }

  /** The error for a field, or for the entry itself; `message` goes on after its name. */
  fault(field: string | undefined, message: string, hint?: string): HollowmarkError {
    return field === undefined
      ? this.file.fault(this.place, `${this.subject} ${message}`, hint)
      : this.file.fault([...this.place, field], `${this.subject}.${field} ${message}`, hint);
  }
}

/** What a text has more of than any kubeconfig, by its tokens: levels of brackets or of indentation, or tokens. */
function excessOf(text: string): string | undefined {
  let brackets = 0;
  let column = 0;
  let tokens = 0;
  for (const token of new Lexer().lex(text)) {
    if (token === '[' || token === '{') brackets++;
    else if (token === ']' || token === '}') brackets--;
    const indents = brackets <= 0 && (token === '-' || token === '?' || token === ':');
    if (brackets > bracketsMax || (indents && column > columnMax)) return 'nested too deep for a kubeconfig';
    if (++tokens > tokensMax) return 'too much for a kubeconfig';
    const newline = token.lastIndexOf('\n');
    column = newline < 0 ? column + token.length : token.length - newline - 1;
  }
  return undefined;
}

/** A name as messages show it: in quotes, on one line, not endless. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As Kubernetes' own reader has it: null and the empty text are as if they were not written. */
function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`;
}
