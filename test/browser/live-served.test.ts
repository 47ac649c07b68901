import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type RunningServer, startServer } from '../../src/dashboard/http/server.ts';
import { LivePages } from '../../src/dashboard/live/live-pages.ts';
import type {
  LiveAnswer,
  LiveNodesAnswer,
  LivePoint,
  LiveQuestion,
  LiveSnapshot,
} from '../../src/dashboard/live/snapshot.ts';
import {
  type Visit,
  accessFaults,
  expectChartsDrawn,
  expectNoSidewaysScroll,
  keepPictures,
  narrow,
  startBrowser,
  tabFaults,
  visiting,
  wide,
} from './browser.ts';
import { hostileNames } from './samples.ts';

/* The live page as its worker serves it, with what a run would tell made up here. */

let browser: Browser;
let dir: string;
beforeAll(async () => {
  browser = await startBrowser();
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-browser-'));
});
afterAll(async () => {
  await browser.close();
  rmSync(dir, { recursive: true, force: true });
});

function pointAt(atMs: number): LivePoint {
  const second = atMs / 1000;
  return {
    atMs,
    podsCreated: second * 10,
    podsStarted: second * 9,
    requestsPerSecond: 38 + (second % 5),
    requestedPerSecond: 40,
    podStartupP99Us: 2_000_000 + (second % 7) * 100_000,
    apiCallP99Us: 20_000 + (second % 3) * 1000,
  };
}

const historySeconds = 60;

/** A run of which every text is `name`, or begins with it. */
class MadeUpRun {
  readonly name: string;
  /** All that pages have asked but for the course. */
  readonly questions: LiveQuestion[] = [];
  nodes: LiveNodesAnswer['rows'];
  private readonly pages: LivePages;
  private server: RunningServer | undefined;
  private second = historySeconds;

  constructor(name: string) {
    this.name = name;
    this.nodes = [name, `${name} 2`, `${name} 3`].map((node, nth) => ({
      name: node,
      ready: nth !== 1,
      lapses: nth,
      pods: 2,
    }));
    this.pages = new LivePages({
      title: name,
      clock: systemClock,
      post: (message) => {
        if (message.type !== 'ask') return;
        const json = JSON.stringify(this.answer(message.question));
        this.pages.obey({ type: 'answer', id: message.id, json });
      },
    });
  }

  async serve(): Promise<string> {
    this.server = await startServer({
      host: '127.0.0.1',
      port: 0,
      handle: (request) => this.pages.handle(request),
      onFault: (error) => {
        throw error;
      },
    });
    return this.server.url;
  }

  async close(): Promise<void> {
    await this.server?.close();
  }

  /** The next second. */
  tellSnapshot(): void {
    const { name } = this;
    const snapshot: LiveSnapshot = {
      phase: name,
      phaseNumber: 1,
      phaseCount: 2,
      elapsedMs: this.second * 1000,
      remainingMs: 60_000,
      nodes: { expected: 3, ready: 2, notReady: 1 },
      pods: { pending: 1, scheduled: 2, started: 3, failed: 4, created: 10, deleted: 0, expected: 20 },
      point: pointAt(this.second * 1000),
      startupP99Us: 2_000_000,
      windows: (['good', 'bad', 'undecided'] as const).map((verdict) => ({
        name: `${name} ${verdict}`,
        count: 100,
        value: 30_000,
        verdict,
      })),
      latencies: [
        { name, seconds: 10, count: 1234, p50Us: 2_000, p90Us: 9_000, p99Us: 20_000 },
        { name, seconds: 60, count: 0, p50Us: null, p90Us: null, p99Us: null },
      ],
      processes: [
        { name, state: 'running', cpuCores: 0.5, rssBytes: 100e6 },
        { name: `${name} 2`, state: 'ended', cpuCores: null, rssBytes: null },
      ],
      apiServer: 'answers',
      workloads: [{ namespace: name, kind: name, name, total: 4, started: 3, failed: 1, deleted: 0 }],
      workloadsOmitted: 7,
    };
    this.second++;
    this.pages.obey({ type: 'snapshot', json: JSON.stringify(snapshot) });
  }

  /** An event of each kind, and a log with a name and a line of its own. */
  tellRest(): void {
    for (const kind of ['step', 'info', 'warning', 'failure'] as const) {
      this.pages.obey({ type: 'event', event: { wallMs: 1e12, kind, text: `${kind} ${this.name}` } });
    }
    const path = join(dir, 'component.log');
    writeFileSync(path, `${this.name}\n`);
    this.pages.obey({ type: 'logs', paths: { etcd: path, [this.name]: path } });
  }

  tellEnd(): void {
    this.pages.obey({ type: 'end', json: JSON.stringify({ verdict: 'fail', summary: this.name }) });
  }

  private answer(question: LiveQuestion): LiveAnswer {
    const { name } = this;
    if (question.what === 'history') {
      return { points: Array.from({ length: historySeconds }, (_, second) => pointAt(second * 1000)) };
    }
    this.questions.push(question);
    if (question.what === 'nodes') return { total: this.nodes.length, rows: this.nodes };
    const count = this.nodes.find((node) => node.name === question.name)?.pods ?? 0;
    const pod = { namespace: name, kind: name, workload: name, state: 'started' };
    const rows = Array.from({ length: count }, (_, nth) => ({ ...pod, name: `${name} ${nth}` }));
    return { isThere: count > 0, total: count, rows };
  }
}

async function watching(name: string, look: (run: MadeUpRun, page: Page, visit: Visit) => Promise<void>) {
  const run = new MadeUpRun(name);
  try {
    run.tellRest();
    run.tellSnapshot();
    await visiting(browser, await run.serve(), async (visit) => {
      await look(run, visit.page, visit);
      expect(visit.complaints).toEqual([]);
    });
  } finally {
    await run.close();
  }
}

const nodeButtons = (page: Page) => page.locator('#node-table tbody button');

/** Snapshots come until the page shows what they led it to ask for. */
async function expectInTime<T>(run: MadeUpRun, shown: () => Promise<T>, wanted: T): Promise<void> {
  const looked = (): Promise<T> => {
    run.tellSnapshot();
    return shown();
  };
  await expect.poll(looked, { interval: 300, timeout: 30_000 }).toEqual(wanted);
}

describe('the live page with hostile names', () => {
  it.each(Object.entries(hostileNames))('shows %s as what it is', async (what, name) => {
    await watching(name, async (run, page, visit) => {
      await expect
        .poll(() => nodeButtons(page).allTextContents())
        .toEqual(run.nodes.map((node) => node.name));
      await expectChartsDrawn(page);
      // Written by the server, which lets no name turn the direction of what follows.
      const heading = name.replaceAll(/[\u202A-\u202E\u2066-\u2069]/g, '\uFFFD');
      expect(await page.locator('h1').textContent()).toBe(heading);
      expect(await page.locator('#phase').textContent()).toContain(`phase 1 of 2: ${name}`);
      const firstCells = (table: string): Promise<string[]> =>
        page.locator(`#${table} tbody td:first-child`).allTextContents();
      expect(await firstCells('processes')).toEqual([name, `${name} 2`]);
      expect(await page.locator('#api-server').textContent()).toBe(
        `The API server answers. ${name} 2 has ended.`,
      );
      const latencies = await page.locator('#latency-table tbody tr').first().locator('td').allTextContents();
      expect(latencies).toEqual([name, '10 s', '1,234', '2 ms', '9 ms', '20 ms']);
      expect(await firstCells('workload-table')).toEqual([`${name}/${name}`]);
      expect(await firstCells('window-table')).toEqual([`${name} good`, `${name} bad`, `${name} undecided`]);
      expect(await page.locator('#event-table tbody tr').count()).toBe(4);
      expect(await page.locator('#event-table tbody tr').first().textContent()).toContain(`failure ${name}`);

      await nodeButtons(page).first().click();
      await expect.poll(() => firstCells('pod-table')).toEqual([`${name}/${name} 0`, `${name}/${name} 1`]);
      expect(await page.locator('#node-name').textContent()).toBe(name);
      await page.locator('#node-filter [name="q"]').fill(name);
      await page.keyboard.press('Enter');
      await expect.poll(() => run.questions.at(-1)).toMatchObject({ what: 'nodes', text: name });
      // The second one: the first says `none`, the last is the log of this name.
      const component = page.locator('#log-component');
      expect(await component.locator('option').count()).toBe(3);
      await component.selectOption({ index: 2 });
      await expect.poll(() => page.locator('#log').textContent()).toContain(name);

      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await accessFaults(page), colorScheme).toBe('');
      }
      await page.setViewportSize(narrow);
      await expectNoSidewaysScroll(page);
      await page.setViewportSize(wide);
      if (what === 'the longest name') await keepPictures(visit, 'live-longest-names');

      run.tellEnd();
      await expect.poll(() => page.locator('.banner .summary').textContent()).toBe(name);
      expect(await page.evaluate(() => 'owned' in globalThis)).toBe(false);
      expect(await page.locator('main :is(script, img, iframe, object, embed, style, base)').count()).toBe(0);
      expect(await page.evaluate(() => Object.keys(Object.prototype))).toEqual([]);
    });
  });
});

describe('the live page', () => {
  it('can be used by keys alone', async () => {
    await watching('run', async (_, page) => {
      await expect.poll(() => nodeButtons(page).count()).toBe(3);
      await nodeButtons(page).first().click();
      await expect.poll(() => page.locator('#pod-table tbody tr').count()).toBe(2);
      await page.getByLabel('Component').selectOption('etcd');
      await expect.poll(() => page.locator('#log').textContent()).toContain('run');
      expect(await tabFaults(page)).toBe('');
    });
  });

  it('follows nodes and the pods of the open one, and leaves the focus where it is', async () => {
    await watching('run', async (run, page) => {
      const podCounts = (): Promise<string[]> =>
        page.locator('#node-table tbody td:nth-child(3)').allTextContents();
      await expect.poll(podCounts).toEqual(['2', '2', '2']);
      await nodeButtons(page).nth(1).press('Enter');
      await expect.poll(() => page.locator('#pod-table tbody tr').count()).toBe(2);
      const second = nodeButtons(page).nth(1);
      await second.focus();
      await second.evaluate((button) => void ((button as HTMLElement).dataset['kept'] = 'yes'));

      run.nodes = run.nodes.map((node) => ({ ...node, ready: true, pods: 5 }));
      await expectInTime(run, podCounts, ['5', '5', '5']);
      await expectInTime(run, () => page.locator('#pod-table tbody tr').count(), 5);
      expect(await page.locator('#node-table .badge').allTextContents()).toEqual(['Ready', 'Ready', 'Ready']);
      expect(await page.locator(':focus').getAttribute('data-kept')).toBe('yes');

      // Another row, the same node.
      run.nodes = run.nodes.slice(1);
      await expectInTime(run, podCounts, ['5', '5']);
      expect(await page.locator(':focus').textContent()).toBe('run 2');
      run.nodes = run.nodes.slice(1);
      await expectInTime(run, podCounts, ['5']);
      expect(await page.locator(':focus').getAttribute('aria-label')).toBe('Nodes');
    });
  });

  it('does not ask for what somebody is still typing', async () => {
    await watching('run', async (run, page) => {
      await expect.poll(() => nodeButtons(page).count()).toBe(3);
      await page.locator('#node-filter [name="q"]').fill('half a na');
      run.nodes = run.nodes.slice(0, 2);
      await expectInTime(run, () => nodeButtons(page).count(), 2);
      const texts = run.questions.map((question) => (question.what === 'nodes' ? question.text : undefined));
      expect(new Set(texts)).toEqual(new Set(['']));
    });
  });
});
