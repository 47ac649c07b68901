import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HistoryPages } from '../../../src/dashboard/history/history-pages.ts';
import { RunIndex } from '../../../src/dashboard/history/run-index.ts';
import { type RunningServer, startServer } from '../../../src/dashboard/http/server.ts';
import { passGate } from '../../../src/gate/gate.ts';
import { gateRunOf } from '../../../src/gate/gate-run.ts';
import type { RunResult } from '../../../src/result/result.ts';
import { FakeClock } from '../measure/fake-clock.ts';
import { hostileName, sampleResult } from '../report/sample-result.ts';
import { ask } from './raw-request.ts';

const clock = new FakeClock();
let top: string;
let root: string;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'hollowmark-history-'));
  root = join(top, 'reports');
  mkdirSync(root);
});

afterEach(() => rmSync(top, { recursive: true, force: true }));

const small = sampleResult({ nodes: 5, pods: 120 });

function addRun(folder: string, change: Partial<RunResult['run']> = {}): void {
  const result: RunResult = { ...small, run: { ...small.run, id: folder.replaceAll('/', '-'), ...change } };
  add(`${folder}/result.json`, JSON.stringify(result));
  add(`${folder}/report.html`, '<!doctype html><title>a report</title>');
}

/** What a gate leaves beside a result. @param of the run that it judged. */
function addGate(folder: string, verdict: 'worse' | 'same', of: string = folder): void {
  const candidate = [{ ...gateRunOf(small), id: of }];
  const outcome = passGate({ rules: [], baseline: [], candidate, noise: undefined, allowed: [], notes: [] });
  add(`${folder}/gate.json`, JSON.stringify({ ...outcome, verdict }));
}

function add(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

const cachePath = (): string => join(top, 'cache', 'index.json');

function newIndex(): RunIndex {
  return new RunIndex({ root, cachePath: cachePath(), clock });
}

async function settle(index: RunIndex): Promise<void> {
  clock.pass(10_000);
  await index.refresh();
  await index.settled();
}

describe('RunIndex', () => {
  it('finds runs at any depth, newest first, and not the copies of a test history', async () => {
    addRun('old', { startedAt: '2026-01-01T00:00:00.000Z' });
    addRun('set/run-1', { startedAt: '2026-01-03T00:00:00.000Z' });
    addRun('job/7/artifacts', { startedAt: '2026-01-02T00:00:00.000Z' });
    addRun('old/history/job/1/artifacts');
    addRun('.hidden');
    const index = newIndex();
    await settle(index);
    expect(index.runs.map(({ folder }) => folder)).toEqual(['set/run-1', 'job/7/artifacts', 'old']);
  });

  it('reads each result once, and again only when it has changed', async () => {
    addRun('a');
    addRun('b');
    const first = newIndex();
    await settle(first);
    await settle(first);
    expect(first.readCount).toBe(2);

    const second = newIndex();
    expect(second.runs).toEqual(first.runs);
    await settle(second);
    expect(second.readCount).toBe(0);

    utimesSync(join(root, 'a/result.json'), 1, 1);
    addRun('c');
    await settle(second);
    expect(second.readCount).toBe(2);
    expect(second.runs).toHaveLength(3);
  });

  it('knows what a gate has said of a run, as soon as it has', async () => {
    for (const folder of ['a', 'b', 'c', 'd']) addRun(folder);
    addGate('b', 'worse');
    addGate('c', 'worse', 'another');
    add('d/gate.json', '{');
    const said = ({ runs }: RunIndex): unknown => Object.fromEntries(runs.map(({ id, gate }) => [id, gate]));
    const index = newIndex();
    await settle(index);
    expect(said(index)).toEqual({ a: undefined, b: 'worse', c: undefined, d: undefined });
    expect(index.faults).toEqual([
      { folder: 'd', fault: expect.stringContaining('gate.json is not JSON') as string },
    ]);
    const later = newIndex();
    addGate('a', 'same');
    rmSync(join(root, 'b/gate.json'));
    addGate('d', 'worse');
    await settle(later);
    expect(later.readCount).toBe(3);
    expect(said(later)).toEqual({ a: 'same', b: undefined, c: undefined, d: 'worse' });
    expect(later.faults).toEqual([]);
  });

  it('forgets what is gone, and says what cannot be read', async () => {
    addRun('a');
    add('broken/result.json', '{"schema": "hollow');
    const index = newIndex();
    await settle(index);
    expect(index.runs).toHaveLength(1);
    expect(index.faults).toEqual([{ folder: 'broken', fault: expect.stringContaining('is not JSON') }]);
    rmSync(join(root, 'a'), { recursive: true });
    rmSync(join(root, 'broken'), { recursive: true });
    await settle(index);
    expect({ runs: index.runs, faults: index.faults }).toEqual({ runs: [], faults: [] });
    expect(newIndex().runs).toEqual([]);
  });

  it.each(['', '{', 'null', '{"schema":"hollowmark.history/v1","files":3}'])(
    'begins anew with a cache that holds %j',
    async (text) => {
      addRun('a');
      mkdirSync(dirname(cachePath()), { recursive: true });
      writeFileSync(cachePath(), text);
      const index = newIndex();
      await settle(index);
      expect(index.runs).toHaveLength(1);
    },
  );

  it('removes the caches of folders that are gone, and nothing else', async () => {
    const dir = join(top, 'cache');
    mkdirSync(dir);
    const files: Record<string, string> = {
      '0123456789abcdef.json': JSON.stringify({ root: join(top, 'gone') }),
      '1123456789abcdef.json': JSON.stringify({ root: top }),
      '2123456789abcdef.json': '{"root":',
      '3123456789abcdef.json': 'null',
      'other.json': JSON.stringify({ root: join(top, 'gone') }),
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    addRun('a');
    await settle(newIndex());
    expect(readdirSync(dir).toSorted()).toEqual(
      [...Object.keys(files).filter((name) => !name.startsWith('0')), 'index.json'].toSorted(),
    );
  });

  it('follows no link, so that a folder cannot hold itself', async () => {
    addRun('a');
    symlinkSync(root, join(root, 'a-link'));
    symlinkSync(join(root, 'a/result.json'), join(root, 'result.json'));
    const index = newIndex();
    await settle(index);
    expect(index.runs.map(({ folder }) => folder)).toEqual(['a']);
  });
});

describe('HistoryPages', () => {
  let server: RunningServer;
  let index: RunIndex;

  async function serve(): Promise<void> {
    index = newIndex();
    await settle(index);
    const pages = new HistoryPages(index);
    server = await startServer({
      host: '127.0.0.1',
      port: 0,
      handle: (request) => pages.handle(request),
      onFault: (error) => {
        throw error;
      },
    });
  }

  const page = async (path: string): Promise<string> => (await ask(server.port, path)).body;

  afterEach(() => server.close());

  it('list, run, trends and comparison lead to each other', async () => {
    addRun('a');
    addRun('b');
    await serve();
    expect(await page('/')).toContain('href="/run/a/"');
    const run = await page('/run/a/');
    expect(run).toContain('href="/files/a/report.html"');
    expect(run).toContain('href="/compare?run=b&amp;run=a"');
    expect(await page('/compare?run=a&run=b')).toContain('data-chart="curves-0"');
    expect(await page(`/trends?scenario=${small.run.scenario}`)).toContain('data-chart="trend-');
    for (const path of ['/run/none/', '/none', '/compare?run=a', '/compare?run=a&run=..']) {
      expect((await ask(server.port, path)).status, path).toBe(404);
    }
  });

  it('filters by scenario, version, verdict and words', async () => {
    addRun('a', { scenario: 'density' });
    addRun('b', { scenario: 'services' });
    await serve();
    const listed = async (query: string): Promise<string[]> =>
      [...(await page(`/?${query}`)).matchAll(/href="\/run\/(\w+)\/"/g)].map((match) => match[1] ?? '');
    expect(await listed('')).toHaveLength(2);
    expect(await listed('scenario=density')).toEqual(['a']);
    expect(await listed(`version=${small.cluster.version}&q=SERVICES`)).toEqual(['b']);
    expect(await listed('verdict=interrupted')).toEqual([]);
    expect(await listed('q=density%20nothing')).toEqual([]);
  });

  it('shows a run that a gate found worse, and finds it', async () => {
    addRun('a');
    addRun('b');
    addGate('b', 'same');
    await serve();
    expect(await page('/')).not.toContain('value="worse"');
    await server.close();
    addGate('b', 'worse');
    await serve();
    const list = await page('/');
    expect(list).toContain('<option value="worse">worse</option>');
    expect(list).toContain('<span class="badge worse"><span aria-hidden="true">✕</span> gate: worse</span>');
    const found = await page('/?verdict=worse');
    expect(found).toContain('href="/run/b/"');
    expect(found).not.toContain('href="/run/a/"');
    expect(await page('/?verdict=pass')).toContain('href="/run/b/"');
    expect(await page('/run/b/')).toContain('gate: worse');
  });

  it('has pages for more runs than fit on one', async () => {
    for (let nth = 0; nth < 3; nth++) addRun(`run-${nth}`);
    await serve();
    const [run] = index.runs;
    if (run === undefined) throw new Error('there is no run');
    index.runs = Array.from({ length: 250 }, (_, nth) => ({ ...run, folder: `run-${nth}`, id: `id-${nth}` }));
    const second = await page('/?page=2&verdict=');
    expect(second).toContain('Page 2 of 3');
    expect(second).toContain('id-100<');
    expect(second).not.toContain('id-99<');
    expect(await page('/?page=99999999999999999999')).toContain('Page 1 of 3');
  });

  it('gives the files of runs, each with a policy of its own', async () => {
    addRun('a b');
    add('a b/charts/x.png', 'png');
    add('a b/strange.exe', 'binary');
    add('a b/empty.txt', '');
    await serve();
    const of = (name: string) => ask(server.port, `/files/a%20b/${name}`);
    const report = await of('report.html');
    expect(report.body).toContain('a report');
    expect(report.headers['content-security-policy']).toContain('sandbox allow-scripts;');
    expect((await of('charts/x.png')).headers['content-type']).toBe('image/png');
    expect((await of('strange.exe')).headers['content-type']).toBe('application/octet-stream');
    expect(await of('empty.txt')).toMatchObject({ status: 200, body: '' });
    expect((await of('none.txt')).status).toBe(404);
    expect((await of('charts')).status).toBe(404);
    expect((await ask(server.port, '/files/a%20b/report.html', { method: 'HEAD' })).body).toBe('');
  });

  it('gives nothing else, whatever the path', async () => {
    addRun('a');
    add('a/.env', 'secret');
    add('private.txt', 'secret');
    writeFileSync(join(top, 'outside.txt'), 'secret');
    symlinkSync(join(top, 'outside.txt'), join(root, 'a/link.txt'));
    symlinkSync(top, join(root, 'a/up'));
    await serve();
    for (const path of [
      '/files/a/../../outside.txt',
      '/files/a/..%2f..%2foutside.txt',
      '/files/a/%2e%2e/%2e%2e/outside.txt',
      '/files/a/..%5c..%5coutside.txt',
      '/files/a/link.txt',
      '/files/a/up/outside.txt',
      '/files/a/.env',
      '/files/a/report.html%00.txt',
      '/files/a//report.html',
      '/files/private.txt',
      '/files/',
      '/files',
      '/assets/../cli/main.js',
      '/assets/dashboard/page/..%2f..%2fcli/main.js',
    ]) {
      const { status, body } = await ask(server.port, path);
      expect({ path, status }).toEqual({ path, status: 404 });
      expect(body).not.toContain('secret');
    }
  });

  it('escapes every name of a run', async () => {
    addRun('a', { id: hostileName, scenario: hostileName });
    const summary = { ...small, summary: hostileName, cluster: { ...small.cluster, version: hostileName } };
    add('b/result.json', JSON.stringify(summary));
    await serve();
    expect(await page('/')).toContain('&lt;img');
    for (const path of ['/', '/run/a/', '/run/b/', '/compare?run=a&run=b', '/trends', '/?q=%3Cimg%20']) {
      expect(await page(path), path).not.toMatch(/<img/);
    }
  });

  it('serves each script that a page loads', async () => {
    await serve();
    const paths = [...(await page('/')).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(
      (match) => match[1] ?? '',
    );
    expect(paths).toHaveLength(4);
    const seen = new Set<string>();
    while (paths.length > 0) {
      const path = paths.pop() ?? '';
      if (seen.has(path)) continue;
      seen.add(path);
      const { status, body } = await ask(server.port, path);
      expect({ path, status }).toEqual({ path, status: 200 });
      if (!path.includes('/dashboard/') && !path.includes('/report/')) continue;
      for (const match of body.matchAll(/from '(\.[^']+)'/g)) {
        paths.push(new URL(match[1] ?? '', `http://localhost${path}`).pathname);
      }
    }
    expect([...seen]).toContain('/assets/report/charts/format.js');
  });
});
