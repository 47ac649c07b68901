import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/*
 * The style that can be checked. The table of rooms is read from docs/architecture.md, so that the page cannot say
 * one thing and the code do another. Every exception names its reason, and one that is no longer needed fails.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A file that may break a rule, and why. */
type Exceptions = Readonly<Record<string, string>>;

/** Tests may be longer: many are tables of cases. */
const linesMax = { src: 400, test: 600 };

const longFiles: Exceptions = {};

/** `file: text`, for each use of what only `base/` may use. */
const clockUses: Exceptions = {
  'src/fleet/host.ts: setImmediate(':
    'no delay: lets a MessagePort hand over its last message before it is closed',
  'src/metrics/loop-delay.ts: setImmediate(':
    'no delay: the place in the event loop at which what had queued has been read',
};

/** `file: path`, for each absolute path that is not one of a machine on which this was built. */
const absolutePaths: Exceptions = {
  'src/fidelity/reference/kubemark.ts: /tmp': 'where kubemark has its sockets, whatever one tells it',
  'test/integration/reference-nodes.test.ts: /tmp': 'there it would leave them',
  'test/unit/report/sample-result.ts: /tmp/hollowmark/etcd': 'an argv as results have it',
};

/** Hosts of URLs in tracked files. Another one needs a reason to be here. */
const hosts: Exceptions = {
  'dl.k8s.io': "Kubernetes' release site: where binaries come from by default",
  'git.k8s.io': "an address in an event of a real kubelet's; never fetched",
  'github.com': "etcd's releases; issues and sources that comments and docs cite",
  'go.dev': 'where a user gets Go',
  'hdrhistogram.github.io': 'where HDR describes its formats and has a viewer',
  'hollowmark.dev': 'the $id of the scenario schema; never fetched',
  'json-schema.org': 'the dialect of the schemas; never fetched',
  'keepachangelog.com': 'the form of CHANGELOG.md',
  'kubernetes.io': 'documentation that comments cite',
  'nodejs.org': 'where a user gets Node.js',
  'prometheus.io': 'the specification of OpenMetrics',
  'semver.org': 'the numbering of versions',
  'www.apache.org': 'the licence',
  'www.chartjs.org': 'the licence of Chart.js, which a report carries with it',
  'www.rfc-editor.org': 'the form of CSV',
  'www.w3.org': 'namespaces of SVG; never fetched',
};

/** Names that no URL of the internet has, and this machine. */
const localHost =
  /^(?:127\.[\d.]+|localhost|\[::1\]|(?:.+\.)?(?:invalid|example|test|local|example\.(?:com|org)))$/;

/** Made-up clusters in tests. */
const privateAddress = /^(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.[\d.]+$/;

const codeExtensions = new Set(['.ts', '.js', '.mjs', '.cjs']);
const binaryExtensions = new Set(['.png', '.woff2', '.ico', '.gz']);

const trackedFiles = listTracked();
const sources = new Map(
  readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => codeExtensions.has(extname(path)))
    .map((path) => [`src/${path.replaceAll('\\', '/')}`, readFileSync(join(root, 'src', path), 'utf8')]),
);

/** What git knows or would add. A clone that belongs to somebody else is read all the same. */
function listTracked(): string[] {
  const args = ['-c', `safe.directory=${root.slice(0, -1)}`, 'ls-files', '-co', '--exclude-standard', '-z'];
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ls-files: ${stderr}`);
  return stdout.split('\0').filter((path) => path !== '' && existsSync(join(root, path)));
}

type LockedPackage = {
  resolved?: string;
  integrity?: string;
  optional?: boolean;
  optionalDependencies?: Record<string, string>;
};

function lockedPackages(): Record<string, LockedPackage> {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  return (JSON.parse(lock) as { packages: Record<string, LockedPackage> }).packages;
}

/** Code without comments, of the same number of lines. Strings are kept: imports are strings. */
function withoutComments(code: string): string {
  const token = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return code.replace(token, (text) => (/^\/[/*]/.test(text) ? text.replace(/[^\n]/g, ' ') : text));
}

/** Relative imports of a source file, as paths from the root. Types count: who uses a type knows the room. */
function importsOf(path: string): string[] {
  const code = withoutComments(sources.get(path) ?? '');
  const specifiers = code.matchAll(/\b(?:from|import)\s*\(?\s*(['"])(\.{1,2}\/[^'"]+)\1/g);
  return [...specifiers].map((match) => relative(root, join(root, dirname(path), match[2] ?? '')));
}

const roomOf = (path: string): string => path.split('/')[1] ?? '';

type Room = { name: string; imports: 'everything' | ReadonlySet<string>; later: boolean };

/** The rows of the table in docs/architecture.md: `| cli/ | what | may import |`. */
function roomTable(): Map<string, Room> {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const rows = text.matchAll(/^\| `([a-z-]+)\/`( \(later\))? \|[^|]*\| ([^|]+) \|$/gm);
  const rooms = new Map<string, Room>();
  for (const [, name = '', later, list = ''] of rows) {
    const names = list === 'nothing' ? [] : list.split(', ');
    const imports = list === 'everything' ? 'everything' : new Set([...names, 'base']);
    rooms.set(name, { name, imports, later: later !== undefined });
  }
  return rooms;
}

/** Groups of nodes that can reach each other (Tarjan); empty when there is no cycle. */
function cycles(graph: ReadonlyMap<string, Iterable<string>>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    const own = index.size;
    index.set(node, own);
    low.set(node, own);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node) ?? own, low.get(next) ?? own));
    }
    if (low.get(node) !== own) return;
    const group = stack.splice(stack.indexOf(node));
    if (group.length > 1) found.push(group);
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found;
}

/** What breaks a rule and is no exception; and exceptions that nothing needs any more. */
function violations(found: readonly { key: string; where: string }[], exceptions: Exceptions): string[] {
  const keys = new Set(found.map(({ key }) => key));
  return [
    ...found.filter(({ key }) => !(key in exceptions)).map(({ where }) => where),
    ...Object.keys(exceptions)
      .filter((key) => !keys.has(key))
      .map((key) => `exception that nothing needs: ${key}`),
  ];
}

/** Each match of a pattern in a text, with its line number. */
function* matchesIn(text: string, pattern: RegExp): Generator<{ line: number; match: RegExpMatchArray }> {
  for (const [index, line] of text.split('\n').entries()) {
    for (const match of line.matchAll(pattern)) yield { line: index + 1, match };
  }
}

/** All tracked texts but this file, which names what it forbids. */
const textFiles = trackedFiles
  .filter((path) => !binaryExtensions.has(extname(path)) && path !== 'test/unit/tidy.test.ts')
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

describe('rooms', () => {
  const rooms = roomTable();

  it('are those of the table in docs/architecture.md', () => {
    const onDisk = readdirSync(join(root, 'src'), { withFileTypes: true });
    expect(onDisk.filter((entry) => !entry.isDirectory()).map((entry) => entry.name)).toEqual([]);
    const names = onDisk.map((entry) => entry.name).toSorted();
    expect(names.filter((name) => !rooms.has(name))).toEqual([]);
    const due = [...rooms.values()].filter((room) => !room.later).map((room) => room.name);
    expect(due.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('import only what the table allows', () => {
    const wrong: string[] = [];
    for (const path of sources.keys()) {
      const allowed = rooms.get(roomOf(path))?.imports ?? new Set();
      if (allowed === 'everything') continue;
      for (const imported of importsOf(path)) {
        const target = imported.startsWith('src/') ? roomOf(imported) : imported;
        if (target !== roomOf(path) && !allowed.has(target)) wrong.push(`${path} imports ${imported}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('have no cycles, in the table or between files', () => {
    const table = [...rooms.values()].map((room): [string, Iterable<string>] => [
      room.name,
      room.imports === 'everything' ? [] : [...room.imports].filter((name) => name !== room.name),
    ]);
    expect(cycles(new Map(table))).toEqual([]);
    expect(cycles(new Map([...sources.keys()].map((path) => [path, importsOf(path)])))).toEqual([]);
  });

  it('import files that are there, by their own names', () => {
    const missing = [...sources.keys()].flatMap((path) =>
      importsOf(path)
        .filter((imported) => !sources.has(imported))
        .map((imported) => `${path} imports ${imported}`),
    );
    expect(missing).toEqual([]);
  });

  it('have no barrels and no drawers for odds and ends', () => {
    const drawer = /^(?:utils?|helpers?|common|misc|shared|lib|index)$/;
    const wrong = trackedFiles.filter((path) =>
      path.startsWith('src/')
        ? path.split('/').some((part) => drawer.test(basename(part, extname(part))))
        : false,
    );
    expect(wrong).toEqual([]);
  });
});

describe('time and chance', () => {
  it('come in as arguments: only base/ asks the system', () => {
    const pattern =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.now\b|\bprocess\.hrtime\b|\bnode:timers\b|(?<![.\w])set(?:Timeout|Interval|Immediate)\(/g;
    const found = [...sources].flatMap(([path, code]) =>
      path.startsWith('src/base/')
        ? []
        : [...matchesIn(withoutComments(code), pattern)].map(({ line, match }) => ({
            key: `${path}: ${match[0]}`,
            where: `${path}:${line}: ${match[0]}`,
          })),
    );
    expect(violations(found, clockUses)).toEqual([]);
  });
});

describe('files', () => {
  it('are not long', () => {
    const found = textFiles
      .filter(({ path }) => /^(?:src|test)\//.test(path) && codeExtensions.has(extname(path)))
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > (path.startsWith('src/') ? linesMax.src : linesMax.test))
      .map(({ path, lines }) => ({ key: path, where: `${path}: ${lines} lines` }));
    expect(violations(found, longFiles)).toEqual([]);
  });

  it('name no path of the machine on which they were written', () => {
    const folders = ['work', 'tmp', 'root', 'home', 'Users'].join('|');
    const pattern = new RegExp(`(?<![\\w.}\\])*-])/(?:${folders})(?![\\w-])[\\w./-]*`, 'g');
    const found = textFiles.flatMap(({ path, text }) =>
      [...matchesIn(text, pattern)].map(({ line, match }) => ({
        key: `${path}: ${match[0]}`,
        where: `${path}:${line}: ${match[0]}`,
      })),
    );
    expect(violations(found, absolutePaths)).toEqual([]);
  });

  it('name no package registry or mirror, and only known hosts', () => {
    const wrong: string[] = [];
    for (const { path, text } of textFiles) {
      // Its URLs say whom a package's authors thank; what is fetched from where is checked below.
      if (path === 'package-lock.json') continue;
      for (const { line, match } of matchesIn(text, /\bhttps?:\/\/(?:[^\s/@'"`]+@)?(\[[^\]]+\]|[\w.-]+)/g)) {
        const host = match[1] ?? '';
        const inTest = path.startsWith('test/') && privateAddress.test(host);
        if (!(host in hosts) && !localHost.test(host) && !inTest) wrong.push(`${path}:${line}: ${host}`);
      }
      for (const { line, match } of matchesIn(text, /registry\.npmjs|proxy\.golang|artifactory|goproxy\./g)) {
        wrong.push(`${path}:${line}: ${match[0]}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('lock packages by their checksums, not by where somebody fetched them', () => {
    const found = Object.entries(lockedPackages()).filter(([path]) => path !== '');
    expect(found.filter(([, { resolved }]) => /^\w+:\/\//.test(resolved ?? ''))).toEqual([]);
    // A registry may lack what is for other platforms; see the next test.
    const unchecked = found.filter(([, entry]) => entry.integrity === undefined && entry.optional !== true);
    expect(unchecked.map(([path]) => path)).toEqual([]);
  });

  it('lock the packages of every platform: npm ci refuses a lock that lacks one', () => {
    const packages = lockedPackages();
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).filter(
        (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
      ),
    );
    expect(missing).toEqual([]);
  });
});

describe('the checks themselves', () => {
  it('see through comments and strings', () => {
    expect(withoutComments("a('// no comment') // setTimeout(\n/* Date.now */ b")).toBe(
      `a('// no comment') ${' '.repeat(14)}\n${' '.repeat(14)} b`,
    );
  });

  it('find cycles, and none where there are none', () => {
    const graph = (edges: Record<string, string[]>): Map<string, string[]> => new Map(Object.entries(edges));
    expect(cycles(graph({ a: ['b'], b: ['c'], c: ['b'] }))).toEqual([['b', 'c']]);
    expect(cycles(graph({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }))).toEqual([]);
  });

  it('find imports of every form', () => {
    sources.set(
      'src/made-up/a.ts',
      "import x from './b.ts';\nexport { y } from '../base/c.ts';\nawait import('./d.js');",
    );
    try {
      expect(importsOf('src/made-up/a.ts')).toEqual([
        'src/made-up/b.ts',
        'src/base/c.ts',
        'src/made-up/d.js',
      ]);
    } finally {
      sources.delete('src/made-up/a.ts');
    }
  });
});
