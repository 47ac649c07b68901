import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HistoryPages } from '../../../src/dashboard/history/history-pages.ts';
import { RunIndex } from '../../../src/dashboard/history/run-index.ts';
import { rowsPerPage } from '../../../src/dashboard/history/runs-page.ts';
import { type RunningServer, startServer } from '../../../src/dashboard/http/server.ts';
import { FakeClock } from '../measure/fake-clock.ts';
import { sampleResult } from '../report/sample-result.ts';
import { ask } from './raw-request.ts';

const runCount = 3_000;

/** What the cache keeps of one result, as far as one run differs from the next. */
type CachedFile = { folder: string; run: { folder: string; id: string; startedAt: string; verdict: string } };

let top: string;
let root: string;
let index: RunIndex;
let server: RunningServer;

const folderOf = (nth: number): string => `night-${String(nth).padStart(4, '0')}`;
const resultOf = (nth: number): string => join(root, folderOf(nth), 'result.json');

async function newIndex(): Promise<RunIndex> {
  const made = new RunIndex({ root, cachePath: join(top, 'index.json'), clock: new FakeClock() });
  await made.refresh();
  await made.settled();
  return made;
}

/** Thousands of nights: one result that is read, linked into every folder, and what the cache says of it for each. */
beforeAll(async () => {
  top = mkdtempSync(join(tmpdir(), 'hollowmark-history-'));
  root = join(top, 'reports');
  mkdirSync(join(root, folderOf(0)), { recursive: true });
  writeFileSync(resultOf(0), JSON.stringify(sampleResult({ nodes: 5, pods: 120 })));
  expect((await newIndex()).readCount).toBe(1);

  const cachePath = join(top, 'index.json');
  const cache = JSON.parse(readFileSync(cachePath, 'utf8')) as { files: CachedFile[] };
  const [first] = cache.files;
  if (first === undefined) throw new Error('the result is not in the cache');
  cache.files = Array.from({ length: runCount }, (_, nth) => {
    const folder = folderOf(nth);
    const startedAt = new Date(Date.UTC(2020, 0, 1) + nth * 86_400_000).toISOString();
    const verdict = nth % 7 === 0 ? 'fail' : 'pass';
    return { ...first, folder, run: { ...first.run, folder, id: folder, startedAt, verdict } };
  });
  writeFileSync(cachePath, JSON.stringify(cache));
  for (let nth = 1; nth < runCount; nth++) {
    mkdirSync(join(root, folderOf(nth)));
    linkSync(resultOf(0), resultOf(nth));
  }

  index = await newIndex();
  const pages = new HistoryPages(index);
  server = await startServer({
    host: '127.0.0.1',
    port: 0,
    handle: (request) => pages.handle(request),
    onFault: (error) => {
      throw error;
    },
  });
}, 60_000);

afterAll(async () => {
  await server.close();
  rmSync(top, { recursive: true, force: true });
}, 60_000);

async function page(path: string): Promise<string> {
  const { status, body } = await ask(server.port, path);
  expect({ path, status }).toEqual({ path, status: 200 });
  return body;
}

const countOf = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

// So many folders take some seconds on a machine that is busy.
describe('a history of thousands of runs', { timeout: 60_000 }, () => {
  it('is known from its cache: no result is read', () => {
    expect(index.runs).toHaveLength(runCount);
    expect(index.readCount).toBe(0);
    expect(index.runs[0]?.id).toBe(folderOf(runCount - 1));
  });

  it('reads what is new, and nothing else', async () => {
    const path = join(root, 'new', 'result.json');
    mkdirSync(join(root, 'new'));
    linkSync(resultOf(0), path);
    const again = await newIndex();
    expect(again.readCount).toBe(1);
    expect(again.runs).toHaveLength(runCount + 1);
    rmSync(join(root, 'new'), { recursive: true });
  });

  it('is listed page by page, the last as short as the first', async () => {
    const last = runCount / rowsPerPage;
    for (const path of ['/', '/?page=2', `/?page=${last}`, '/?q=night', '/?verdict=fail']) {
      const text = await page(path);
      expect(countOf(text, /<tr>/g), path).toBe(1 + rowsPerPage);
      expect(text.length, path).toBeLessThan(100_000);
    }
    expect(await page(`/?page=${last}`)).toContain(`href="/run/${folderOf(0)}/"`);
    expect(countOf(await page('/?q=night-0007'), /<tr>/g)).toBe(2);
  });

  it('has pages of a run, of trends and of a comparison that do not grow with it', async () => {
    const run = await page(`/run/${folderOf(17)}/`);
    expect(countOf(run, /href="\/compare\?/g)).toBe(50);
    expect(run.length).toBeLessThan(20_000);

    const trends = await page('/trends');
    expect(countOf(trends, /<canvas/g)).toBe(6);
    const [, json = '[]'] =
      /<script type="application\/json" id="charts">(.*?)<\/script>/s.exec(trends) ?? [];
    const charts = JSON.parse(json) as { series: { points: unknown[] }[] }[];
    const longest = Math.max(...charts.flatMap(({ series }) => series.map(({ points }) => points.length)));
    expect(longest).toBe(500);
    expect(trends.length).toBeLessThan(300_000);

    const comparison = await page(`/compare?run=${folderOf(1)}&run=${folderOf(2)}`);
    expect(comparison).toContain('data-chart="curves-0"');
    expect(comparison.length).toBeLessThan(100_000);
  });
});
