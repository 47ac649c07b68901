import { writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportFormats } from '../../src/report/write-report.ts';
import { CliRun, type Started } from '../integration/cli-run.ts';
import { eventually } from '../integration/support.ts';
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
} from './browser.ts';
import { hostileNames, hostileResult, writeRun } from './samples.ts';

const nightsCount = 9;
const hostileFolder = `a "b" <i>'c'& #?%25`;

let browser: Browser;
let cli: CliRun;
let serve: Started;
let url: string;

/** Nine nights of which the last was slow, a run of another scenario, one with hostile names, and one that is damaged. */
beforeAll(async () => {
  browser = await startBrowser();
  cli = new CliRun({});
  const reports = join(cli.dir, 'reports');
  for (let night = 1; night <= nightsCount; night++) {
    const isLast = night === nightsCount;
    await writeRun(join(reports, `night-${night}`), {
      id: `night-${night}`,
      seed: `night ${night}`,
      startedAt: `2026-03-0${night}T02:00:00.000Z`,
      verdict: isLast ? 'fail' : 'pass',
      formats: isLast ? reportFormats.filter((format) => format !== 'history') : ['html'],
    });
  }
  await writeRun(join(reports, 'other'), {
    id: 'other',
    scenario: 'services',
    startedAt: '2026-02-01T00:00:00.000Z',
    verdict: 'invalid',
  });
  await writeRun(join(reports, hostileFolder), {
    id: 'hostile',
    startedAt: '2026-01-01T00:00:00.000Z',
    nodes: 45,
    change: (result) => hostileResult(result, Object.values(hostileNames).join(' ')),
  });
  await writeRun(join(reports, 'damaged'), { id: 'damaged', startedAt: '2026-01-02T00:00:00.000Z' });
  writeFileSync(join(reports, 'damaged', 'result.json'), '{"schema": "hollow');
  serve = cli.startWith(
    { HOLLOWMARK_CACHE: join(cli.temporary, 'cache') },
    ...['serve', 'reports', '--port', '0', '--json'],
  );
  await eventually('it serves', () => serve.stdout().includes('"type":"serving"'));
  ({ url } = JSON.parse(serve.stdout().trim()) as { url: string });
  await eventually('all runs are read', async () =>
    (await (await fetch(url)).text()).includes(`${nightsCount + 2} of ${nightsCount + 2}`),
  );
}, 120_000);

afterAll(async () => {
  await browser.close();
  serve.child.kill('SIGINT');
  await serve.exit;
  cli.remove();
});

const open = (path: string, look: (page: Page, visit: Visit) => Promise<void>): Promise<void> =>
  visiting(browser, new URL(path, url).href, async (visit) => {
    await look(visit.page, visit);
    expect(visit.complaints).toEqual([]);
    expect(visit.requests.filter((request) => !request.startsWith(url))).toEqual([]);
    expect(await visit.page.evaluate(() => 'owned' in globalThis)).toBe(false);
  });

const ids = (page: Page): Promise<string[]> => page.locator('tbody th > a').allInnerTexts();

const heading = (page: Page): Promise<string> => page.locator('h1').innerText();

describe('the list of runs', () => {
  it('has the newest first, says what cannot be read, and leads to each run', async () => {
    await open('/', async (page, visit) => {
      expect((await ids(page)).slice(0, 3)).toEqual(['night-9', 'night-8', 'night-7']);
      await page.getByText('1 result cannot be read').click();
      expect(await page.locator('details li').innerText()).toContain('damaged');
      await page.getByText('1 result cannot be read').click();
      await keepPictures(visit, 'history-runs');
      await page.getByRole('link', { name: 'night-8' }).click();
      expect(await heading(page)).toBe('night-8');
      await page.getByRole('link', { name: 'Runs' }).click();
      expect(await heading(page)).toBe('Runs');
    });
  });

  it('is searched and filtered, and the address keeps it', async () => {
    await open('/', async (page) => {
      await page.getByRole('searchbox', { name: 'Search' }).fill('night-3');
      await page.keyboard.press('Enter');
      await expect.poll(() => ids(page)).toEqual(['night-3']);
      expect(page.url()).toContain('q=night-3');
      await page.getByRole('searchbox', { name: 'Search' }).fill('');
      await page.getByLabel('Verdict').selectOption('fail');
      await page.getByRole('button', { name: 'Show' }).click();
      await expect.poll(() => ids(page)).toEqual(['night-9']);
      await page.reload();
      expect(await page.getByLabel('Verdict').inputValue()).toBe('fail');
      await page.getByRole('searchbox', { name: 'Search' }).fill('no such run');
      await page.keyboard.press('Enter');
      await expect.poll(() => page.locator('.empty').innerText()).toBe('No run is like that.');
    });
  });

  it('takes a choice by pointer at once, and one by key only when it is asked', async () => {
    await open('/', async (page) => {
      const scenario = page.getByLabel('Scenario');
      await scenario.focus();
      await page.keyboard.press('s');
      expect(await scenario.inputValue()).toBe('services');
      expect(page.url()).not.toContain('services');
      await page.keyboard.press('Escape');
      await scenario.dispatchEvent('pointerdown');
      await scenario.selectOption('nightly');
      await page.waitForURL(/scenario=nightly/);
      expect(await ids(page)).toHaveLength(nightsCount);
    });
  });

  it('can be used by keys alone', async () => {
    await open('/', async (page) => {
      expect(await tabFaults(page)).toBe('');
      await page.getByRole('checkbox', { name: 'Compare night-9' }).focus();
      await page.keyboard.press('Space');
      await page.getByRole('checkbox', { name: 'Compare night-8' }).focus();
      await page.keyboard.press('Space');
      await page.keyboard.press('Enter');
      await expect.poll(() => heading(page)).toBe('Two runs compared');
    });
  });
});

describe('a run', () => {
  it('leads to its report and to every other file, and each opens', async () => {
    await open('/run/night-9/', async (page, visit) => {
      await keepPictures(visit, 'history-run');
      const files = page.locator('#files a');
      const links = await files.evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href));
      const byKind = new Map(links.map((link) => [extname(new URL(link).pathname), link]));
      expect([...byKind.keys()]).toEqual(
        expect.arrayContaining(['.html', '.json', '.xml', '.png', '.csv', '.md', '.hgrm']),
      );
      for (const link of byKind.values()) {
        const response = await page.goto(link);
        expect([link, response?.status()]).toEqual([link, 200]);
        if (link.endsWith('.html')) await expectChartsDrawn(page);
      }
      await page.goto(new URL('/run/night-9/', url).href);
      await page.getByRole('link', { name: 'Report', exact: true }).click();
      await expectChartsDrawn(page);
      // In its sandbox it has no storage, and works without.
      await page.getByRole('button', { name: 'Dark' }).click();
      expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
    });
  });

  it('with hostile names is what it is', async () => {
    await open('/?q=hostile', async (page) => {
      await page.locator('tbody th > a').click();
      expect(await page.locator('dd').allInnerTexts()).toContain(hostileFolder);
      await page.locator('#files a', { hasText: 'report.html' }).click();
      await expectChartsDrawn(page);
      await page.goBack();
      await page.getByRole('link', { name: /^Trends of / }).click();
      expect(await heading(page)).toBe('Trends');
    });
  });
});

describe('trends', () => {
  it('mark the night that was slower, in a curve and in words', async () => {
    await open('/trends', async (page, visit) => {
      await expectChartsDrawn(page);
      const marked = page.locator('#marked tbody tr');
      expect(await marked.first().innerText()).toMatch(/^night-9\s.*▲/s);
      expect(
        await page.locator('#series tbody tr', { hasText: 'pod-startup-precise' }).innerText(),
      ).toContain('▲ worse');
      const [canvas] = await page.locator('canvas[data-chart]').all();
      const marks = await canvas?.evaluate((element) => {
        const { Chart } = globalThis as unknown as { Chart: typeof import('chart.js').Chart };
        const shown = Chart.getChart(element as HTMLCanvasElement);
        return shown?.data.datasets.at(-1)?.data.map((point) => (point as { y: number | null }).y !== null);
      });
      expect(marks).toEqual([...Array<boolean>(nightsCount - 1).fill(false), true]);
      const area = await canvas?.boundingBox();
      await page.mouse.move(
        (area?.x ?? 0) + (area?.width ?? 0) - 30,
        (area?.y ?? 0) + (area?.height ?? 0) / 2,
      );
      const tip = await canvas?.evaluate((element) => {
        const { Chart } = globalThis as unknown as { Chart: typeof import('chart.js').Chart };
        return Chart.getChart(element as HTMLCanvasElement)?.tooltip?.title;
      });
      expect(tip).toEqual(['night-9']);
      await keepPictures(visit, 'history-trends');
    });
  });

  it('are of the quantile and the indicator that one asks for', async () => {
    await open('/trends', async (page) => {
      await page.getByLabel('Quantile').selectOption('p50');
      await page.getByRole('button', { name: 'Show' }).click();
      await page.waitForURL(/quantile=p50/);
      expect(await page.locator('#series thead').innerText()).toContain('Last p50');
      await page.locator('#series tbody a').last().click();
      await page.waitForURL(/series=\d+/);
      expect(await page.locator('canvas').count()).toBe(1);
      await expectChartsDrawn(page);
    });
  });
});

describe('the comparison of two runs', () => {
  it('is asked for by marking two, and shows what differs', async () => {
    await open('/', async (page, visit) => {
      const button = page.getByRole('button', { name: 'Compare the two that are marked' });
      expect(await button.isDisabled()).toBe(true);
      await page.getByRole('checkbox', { name: 'Compare night-9' }).check();
      await page.getByRole('checkbox', { name: 'Compare night-2' }).check();
      expect(await page.getByRole('checkbox', { name: 'Compare night-3' }).isDisabled()).toBe(true);
      await button.click();
      await expect.poll(() => heading(page)).toBe('Two runs compared');
      await expectChartsDrawn(page);
      expect(await page.locator('canvas').count()).toBeGreaterThan(2);
      const row = page.locator('#indicators tbody tr', { hasText: 'pod-startup-precise' });
      expect(await row.innerText()).toMatch(/× [\d.]+/);
      expect(await page.locator('#differences').innerText()).toContain('Nothing:');
      await keepPictures(visit, 'history-compare');
    });
  });
});

describe('all pages of the history', () => {
  const paths = ['/', '/run/night-9/', '/trends', '/compare?run=night-2&run=night-9', '/nothing'];

  it('are well formed for assistive technology, light and dark', async () => {
    for (const path of paths) {
      const visit = await browser.newContext({ colorScheme: 'dark' });
      await visit.close();
      await open(path, async (page, { complaints }) => {
        // What is not there is said by the browser too.
        if (path === '/nothing') complaints.length = 0;
        for (const colorScheme of ['dark', 'light'] as const) {
          await page.emulateMedia({ colorScheme });
          await expectChartsDrawn(page);
          expect(await accessFaults(page), `${path} ${colorScheme}`).toBe('');
        }
      });
    }
  });

  it('fit a telephone', async () => {
    for (const path of [...paths, '/?q=hostile', `/run/${encodeURIComponent(hostileFolder)}/`]) {
      await open(path, async (page, { complaints }) => {
        if (path === '/nothing') complaints.length = 0;
        await page.setViewportSize(narrow);
        await expectChartsDrawn(page);
        await expectNoSidewaysScroll(page);
      });
    }
  });

  it('remember light or dark from one to the other', async () => {
    await open('/', async (page) => {
      await page.getByRole('button', { name: 'Dark' }).click();
      await page.getByRole('link', { name: 'Trends' }).click();
      await page.waitForURL(/trends/);
      expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
      expect(await page.getByRole('button', { name: 'Dark' }).getAttribute('aria-pressed')).toBe('true');
    });
  });
});
