import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CliRun, type Started } from '../integration/cli-run.ts';
import { eventually } from '../integration/support.ts';
import {
  accessFaults,
  expectChartsDrawn,
  expectNoSidewaysScroll,
  keepPictures,
  narrow,
  startBrowser,
  visiting,
  wide,
} from './browser.ts';

const scenario = `name: watched
nodes: { count: 50, capacity: { cpu: 4, memory: 16Gi, pods: 40 } }
windows: { length: 10s, step: 5s }
phases:
  - { type: create-deployments, name: fill, podsPerNode: 4, podsPerDeployment: 10, pacing: { strategy: poisson, requestsPerSecond: 2 } }
  - { type: wait, for: pods-started, timeout: 3m }
  - { type: steady, name: hold, duration: 60s }
  - { type: delete }
`;

let browser: Browser;
let cli: CliRun;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());
beforeEach(() => {
  cli = new CliRun({ 'watched.yaml': scenario });
});
afterEach(async () => {
  await cli.endRuns();
  cli.remove();
});

async function addressOf(run: Started): Promise<string> {
  const line = (): string | undefined =>
    run
      .stdout()
      .split('\n')
      .find((text) => text.includes('"type":"live"') && text.endsWith('}'));
  await eventually('the live page is there', () => line() !== undefined);
  return (JSON.parse(line() ?? '{}') as { url: string }).url;
}

/** The figure of a tile; NaN before there is one. */
async function figure(page: Page, name: string): Promise<number> {
  const [text = ''] = await page.locator('.tile', { hasText: name }).locator('.figure').allInnerTexts();
  return Number.parseInt(text.replaceAll(',', ''), 10);
}

describe('the live page of a run', () => {
  it('shows it from its beginning to its end, and stays as it was then', async () => {
    const run = cli.start('run', 'watched.yaml', '--json', '--live', '--out', 'out');
    await visiting(browser, await addressOf(run), async (visit) => {
      const { page, complaints } = visit;
      const started: number[] = [];
      await expect
        .poll(
          async () => {
            const count = await figure(page, 'Pods started');
            if (count !== started.at(-1) && Number.isFinite(count)) started.push(count);
            return count;
          },
          { timeout: 180_000, interval: 200, message: 'all pods start' },
        )
        .toBe(200);
      expect(started).toEqual(started.toSorted((a, b) => a - b));
      expect(started.length).toBeGreaterThan(3);
      expect(await figure(page, 'Nodes Ready')).toBe(50);
      expect(await page.locator('#connection').innerText()).toBe('live');
      expect(await page.locator('#phase').innerText()).toMatch(/phase \d of 4: (wait|pods-started|hold)/);

      await expectNodesWithoutAsking(page);
      await lookAtNodes(page);
      await lookAtLog(page);
      await expect
        .poll(() => page.locator('#window-table tbody tr').count(), { timeout: 30_000 })
        .toBeGreaterThan(0);
      expect(await page.locator('#workload-table tbody tr').first().innerText()).toMatch(/deployment/);
      expect(await page.locator('#api-server').innerText()).toBe('The API server answers.');
      for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'fleet']) {
        expect(await page.locator('#processes tbody tr', { hasText: name }).innerText()).toContain('running');
      }
      const latencies = page.locator('#latency-table tbody tr');
      expect(await latencies.count()).toBe(4);
      expect(await latencies.filter({ hasText: 'API calls' }).first().innerText()).toMatch(/10 s\s+\d.*m?s/s);
      expect(await page.locator('#event-table tbody tr').count()).toBeGreaterThan(2);
      await expectChartsDrawn(page);
      expect(await accessFaults(page)).toBe('');
      await keepPictures(visit, 'live');
      await page.setViewportSize(narrow);
      await expectNoSidewaysScroll(page);
      await page.setViewportSize(wide);

      await run.exit;
      await expect.poll(() => page.locator('#connection').innerText()).toMatch(/^over/);
      expect(await page.locator('.banner .summary').innerText()).not.toBe('');
      expect(await figure(page, 'Pods created')).toBe(200);
      expect(await page.locator('#node-table tbody button:enabled').count()).toBe(0);
      await expectChartsDrawn(page);
      await keepPictures(visit, 'live-over');
      expect(complaints).toEqual([]);
    });
    expect(run.stderr()).toBe('');
  }, 420_000);
});

/** The page asks by itself: all nodes and their pods are there before anything has been pressed. */
async function expectNodesWithoutAsking(page: Page): Promise<void> {
  const podCounts = page.locator('#node-table tbody td:nth-child(3)');
  const podsOnNodes = async (): Promise<number> =>
    (await podCounts.allInnerTexts()).reduce((sum, text) => sum + Number(text), 0);
  await expect.poll(podsOnNodes, { timeout: 30_000, message: 'the table follows' }).toBe(200);
  expect(await podCounts.count()).toBe(50);
  expect(await page.locator('#node-pages output').innerText()).toBe('1 to 50 of 50');
}

/** A node by its name and by keys, then its pods. */
async function lookAtNodes(page: Page): Promise<void> {
  const rows = page.locator('#node-table tbody tr');
  // How the scheduler spreads them is its own affair: one that has some.
  const name = await rows
    .filter({ hasText: /Ready[1-9]/ })
    .first()
    .getByRole('button')
    .innerText();
  await page.locator('#node-filter [name="q"]').fill(name);
  await page.keyboard.press('Enter');
  await expect.poll(() => rows.count()).toBe(1);
  const podCount = Number(/Ready\s+(\d+)/.exec(await rows.innerText())?.[1]);
  await rows.getByRole('button').press('Enter');
  await expect.poll(() => page.locator(':focus').innerText()).toBe(name);
  const pods = page.locator('#pod-table tbody tr');
  await expect.poll(() => pods.count()).toBe(podCount);
  expect(await pods.first().innerText()).toMatch(/deployment .*started/);
  await page.getByLabel('State').selectOption('not-ready');
  await page.locator('#node-filter button').click();
  await expect.poll(() => page.locator('#node-pages output').innerText()).toBe('none');
}

async function lookAtLog(page: Page): Promise<void> {
  await page.getByLabel('Component').selectOption('kube-apiserver');
  await expect.poll(() => page.locator('#log').innerText()).toMatch(/\S/);
}
