import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/result/result.ts';
import { sampleResult } from '../unit/report/sample-result.ts';
import {
  type Visit,
  expectChartsDrawn,
  inkOf,
  keepPictures,
  pictureFolder,
  startBrowser,
  visiting,
  wide,
} from './browser.ts';
import { hostileNames, hostileResult, longResult, writePage } from './samples.ts';

let browser: Browser;
let dir: string;
let report: string;
const result = sampleResult({ verdict: 'fail' });

beforeAll(async () => {
  browser = await startBrowser();
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-browser-'));
  report = writePage(dir, 'report', result);
});

afterAll(async () => {
  await browser.close();
  rmSync(dir, { recursive: true, force: true });
});

const open = (look: (page: Page, visit: Visit) => Promise<void>, url = report): Promise<void> =>
  visiting(browser, url, async (visit) => {
    await look(visit.page, visit);
    expect(visit.complaints).toEqual([]);
    expect(visit.requests).toEqual([url]);
  });

const chart = (page: Page, id: string): Locator => page.locator(`canvas[data-chart="${id}"]`);

const box = (page: Page, id: string): Locator => page.locator(`.canvas:has(> canvas[data-chart="${id}"])`);

const figure = (page: Page, id: string): Locator =>
  page.locator(`figure:has(canvas[data-chart="${id}"])`).first();

type Reading = { x: [number, number]; tip: string[]; cell: string[]; area: DOMRect };

/** What a chart shows just now. Brings it into view first, and waits until it is drawn. */
async function read(canvas: Locator): Promise<Reading> {
  await canvas.scrollIntoViewIfNeeded();
  await expect.poll(() => canvas.evaluate(inkOf)).toBeGreaterThan(0);
  return canvas.evaluate((element) => {
    const { Chart } = globalThis as unknown as { Chart: typeof import('chart.js').Chart };
    const shown = Chart.getChart(element as HTMLCanvasElement);
    if (shown === undefined) throw new Error('no chart');
    const { x } = shown.scales;
    const tip = shown.tooltip;
    const { cells } = shown as unknown as {
      cells?: { active: { column: number; row: number } | null; describe(c: number, r: number): string[] };
    };
    const active = cells?.active;
    const { left, top } = element.getBoundingClientRect();
    const { chartArea: area } = shown;
    return {
      x: [x?.min ?? 0, x?.max ?? 0] as [number, number],
      tip: tip === undefined || tip.opacity === 0 ? [] : [...tip.title, ...tip.body.flatMap((b) => b.lines)],
      cell: active ? (cells?.describe(active.column, active.row) ?? []) : [],
      area: new DOMRect(left + area.left, top + area.top, area.width, area.height).toJSON() as DOMRect,
    };
  });
}

/** Rows of a table that can be seen, as the texts of one column. */
const column = (page: Page, table: string, nth: number): Promise<string[]> =>
  page.locator(`#${table} tbody tr:visible :is(th, td):nth-child(${nth})`).allInnerTexts();

const keysOf = (page: Page, table: string, nth: number): Promise<number[]> =>
  page
    .locator(`#${table} tbody tr:visible :is(th, td):nth-child(${nth})`)
    .evaluateAll((cells) => cells.map((cell) => Number((cell as HTMLElement).dataset['sort'])));

const numbers = (texts: readonly string[]): number[] => texts.map((text) => Number(text.replaceAll(',', '')));

describe('the report from disk', () => {
  it('draws every section and every chart, says nothing in the console and asks for nothing', async () => {
    await open(async (page, visit) => {
      const ids = await page.locator('main section[id]').evaluateAll((all) => all.map(({ id }) => id));
      expect(ids).toEqual([
        'failures',
        'slos',
        'startup',
        'timeline',
        'phases',
        'api',
        'distributions',
        'figures',
        'nodes',
        'workloads',
        'validity',
        'resources',
        'environment',
      ]);
      for (const id of ids) {
        await expect.poll(() => page.locator(`#${id} > h2`).isVisible(), { message: id }).toBe(true);
        expect((await page.locator(`#${id}`).boundingBox())?.height, id).toBeGreaterThan(80);
      }
      await expectChartsDrawn(page);
      expect(await page.locator('canvas[data-chart]').count()).toBe(18);
      const cut = await page
        .locator('main .scroll, nav ul')
        .evaluateAll((boxes) =>
          boxes
            .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
            .map((one) => one.ariaLabel ?? one.tagName),
        );
      expect(cut, 'what does not fit a wide screen').toEqual([]);
      await keepPictures(visit, 'report-fail');
      // On a telephone it is longer than one picture can be.
      expect(existsSync(join(pictureFolder(), 'report-fail-narrow-light-2.png'))).toBe(true);
      expect(page.viewportSize()).toEqual(wide);
    });
  });

  it.each(['pass', 'invalid', 'inconclusive', 'interrupted'] as const)(
    'shows a run that is %s',
    async (verdict) => {
      const url = writePage(dir, verdict, sampleResult({ verdict, nodes: 30 }));
      await open(async (page) => {
        await expectChartsDrawn(page);
        expect(await page.locator('.banner').innerText()).toMatch(new RegExp(verdict.slice(0, 4), 'i'));
      }, url);
    },
  );

  it('marks in the bar which section is being read, and its links lead there', async () => {
    await open(async (page) => {
      for (const name of ['API calls', 'Environment', 'SLOs']) {
        await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
        const current = page.locator('nav [aria-current]');
        await expect.poll(() => current.allInnerTexts()).toEqual([name]);
      }
    });
  });
});

describe('hostile names', () => {
  const small = sampleResult({ verdict: 'fail', nodes: 45, pods: 120 });

  it.each(Object.entries(hostileNames))('are text in every field: %s', async (what, name) => {
    const url = writePage(dir, `hostile-${what.replaceAll(' ', '-')}`, hostileResult(small, name));
    await open(async (page, visit) => {
      await expectChartsDrawn(page);
      // What scripts make of names: rows, dialogs, tables of figures, tooltips.
      for (const summary of await page.locator('summary').all()) await summary.click();
      await page.locator('#nodes-table tbody button').first().click();
      await page.locator('dialog tbody button').first().click();
      expect(await page.locator('dialog h2').innerText()).toContain(name.slice(0, 5));
      await page.keyboard.press('Escape');
      await hoverMiddle(page, 'nodes-readiness');
      await hoverMiddle(page, 'timeline-pods');
      expect(await page.evaluate(() => 'owned' in globalThis)).toBe(false);
      expect(await page.locator('main :is(script, img, iframe, object, embed, style, base)').count()).toBe(0);
      expect(await page.evaluate(() => Object.keys(Object.prototype))).toEqual([]);
      if (what === 'the longest name') await keepPictures(visit, 'report-longest-names');
    }, url);
  });
});

async function hoverMiddle(page: Page, id: string): Promise<Reading> {
  const { area } = await read(chart(page, id));
  await page.mouse.move(area.x + area.width / 2, area.y + area.height / 2);
  await page.mouse.move(area.x + area.width / 2 + 2, area.y + area.height / 2 + 2);
  return read(chart(page, id));
}

describe('tables', () => {
  it('sort by mouse and by key, and say how', async () => {
    await open(async (page) => {
      const head = page.locator('#api-table thead th').nth(4);
      await head.getByRole('button').click();
      expect(await head.getAttribute('aria-sort')).toBe('descending');
      const falling = await keysOf(page, 'api-table', 5);
      expect(falling).toEqual(falling.toSorted((a, b) => b - a));
      await page.keyboard.press('Enter');
      expect(await head.getAttribute('aria-sort')).toBe('ascending');
      expect(await keysOf(page, 'api-table', 5)).toEqual(falling.toSorted((a, b) => a - b));

      const nodes = page.locator('#nodes-table thead');
      await nodes.getByRole('button', { name: 'Pods' }).focus();
      await page.keyboard.press('Space');
      const pods = numbers(await column(page, 'nodes-table', 5));
      expect(pods).toEqual(pods.toSorted((a, b) => b - a));
      expect(pods[0]).toBe(Math.max(...result.inventory.nodes.map((node) => node.pods.total)));
      await nodes.getByRole('button', { name: 'Node', exact: true }).click();
      expect((await column(page, 'nodes-table', 1)).slice(0, 3)).toEqual([
        'hollow-node-0',
        'hollow-node-1',
        'hollow-node-2',
      ]);
    });
  });

  it('filter by words in any order, and say how many are left', async () => {
    await open(async (page) => {
      const search = page.getByRole('searchbox', { name: /Filter calls/ });
      await search.fill('pods patch');
      expect(await column(page, 'api-table', 1)).toEqual([expect.stringMatching(/^PATCH\s+pods\/status/)]);
      const rows = await page.locator('#api-table tbody tr').count();
      expect(await page.locator('.search:has([data-search="api-table"]) output').innerText()).toBe(
        `1 of ${rows}`,
      );
      await search.fill('');
      expect(await column(page, 'api-table', 1)).toHaveLength(rows);

      await page.getByRole('searchbox', { name: /Filter nodes/ }).fill('not-ready');
      const shown = await column(page, 'nodes-table', 1);
      const lost = result.inventory.nodes.filter(({ state }) => state === 'not-ready');
      expect(shown.toSorted()).toEqual(lost.map(({ name }) => name).toSorted());
    });
  });

  it('show more when asked, and the focus goes on to the first that is new', async () => {
    await open(async (page) => {
      expect(await column(page, 'nodes-table', 1)).toHaveLength(50);
      await page.locator('#nodes').getByRole('button', { name: 'Show 50 more of 100' }).press('Enter');
      const names = await column(page, 'nodes-table', 1);
      expect(names).toHaveLength(100);
      expect(await page.locator(':focus').innerText()).toBe(names[50]);
    });
  });
});

describe('charts', () => {
  it('are zoomed by dragging, all those over time together, and back', async () => {
    await open(async (page) => {
      const pods = chart(page, 'timeline-pods');
      const whole = await read(pods);
      const { x, y, width, height } = whole.area;
      await page.mouse.move(x + width * 0.25, y + height / 2);
      await page.mouse.down();
      await page.mouse.move(x + width * 0.5, y + height / 2, { steps: 4 });
      expect(await box(page, 'timeline-pods').locator('.brush').isVisible()).toBe(true);
      await page.mouse.up();
      const span = whole.x[1] - whole.x[0];
      const [from, to] = (await read(pods)).x;
      expect(Math.abs(from - (whole.x[0] + span * 0.25))).toBeLessThan(span * 0.02);
      expect(Math.abs(to - (whole.x[0] + span * 0.5))).toBeLessThan(span * 0.02);
      expect((await read(chart(page, 'timeline-rate'))).x).toEqual([from, to]);
      expect((await read(chart(page, 'resources-cpu'))).x).toEqual([from, to]);
      expect((await read(chart(page, 'pod-startup-percentiles'))).x[0]).toBe(1);

      const reset = figure(page, 'timeline-rate').getByRole('button', { name: /^Show the whole run/ });
      await reset.click();
      expect((await read(pods)).x).toEqual(whole.x);
      expect(await reset.isDisabled()).toBe(true);
      await figure(page, 'timeline-pods')
        .getByRole('button', { name: /^Zoom in/ })
        .click();
      expect((await read(pods)).x[1]).toBeLessThan(whole.x[1]);
      await pods.dblclick();
      expect((await read(pods)).x).toEqual(whole.x);
    });
  });

  it('are zoomed, moved along and read by keys, and say what is read', async () => {
    await open(async (page) => {
      const latency = chart(page, 'timeline-latency');
      const says = figure(page, 'timeline-latency').locator('output');
      const whole = await read(latency);
      await box(page, 'timeline-latency').focus();
      for (let nth = 0; nth < 40; nth++) await page.keyboard.press('ArrowRight');
      const said = await says.innerText();
      expect(said).toMatch(/^0:39 · create; .*API calls p99: [\d.]+ ms/);
      expect((await read(latency)).tip.map((line) => line.trim()).join('; ')).toBe(said);

      await page.keyboard.press('+');
      const half = await read(latency);
      expect(half.x[1] - half.x[0]).toBeCloseTo((whole.x[1] - whole.x[0]) / 2, -3);
      expect(await says.innerText()).toMatch(/^\d:\d\d to \d:\d\d$/);
      // Fewer points are there now: reading begins anew, at the first that is shown.
      await page.keyboard.press('ArrowRight');
      expect(await says.innerText()).toMatch(/^0:1[45] · /);
      await page.keyboard.press('Shift+ArrowRight');
      expect((await read(latency)).x[0]).toBeGreaterThan(half.x[0]);
      await page.keyboard.press('-');
      await page.keyboard.press('0');
      expect((await read(latency)).x).toEqual(whole.x);
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Escape');
      expect([await says.innerText(), (await read(latency)).tip]).toEqual(['', []]);
    });
  });

  it('show values where one points', async () => {
    await open(async (page) => {
      expect((await hoverMiddle(page, 'timeline-pods')).tip.join('; ')).toMatch(
        /^0:\d\d · create; .*pods created: \d+.*nodes ready.*: 100/,
      );
      expect((await hoverMiddle(page, 'pod-startup-percentiles')).tip[0]).toMatch(/^9\d(\.\d+)?%$/);
      expect((await hoverMiddle(page, 'pod-startup-histogram')).tip.join('; ')).toMatch(
        / s – .* s; .*pods: \d/,
      );
      expect((await hoverMiddle(page, 'pod-startup-phases')).tip[0]).toBe('p90');
      expect((await hoverMiddle(page, 'api-calls')).tip.join('; ')).toMatch(/p50: .*p90: .*p99: /);
      expect((await hoverMiddle(page, 'nodes-startup')).cell[0]).toMatch(/^hollow-node-\d+$/);
      await page.mouse.move(2, 2);
      expect((await read(chart(page, 'nodes-startup'))).cell).toEqual([]);
    });
  });

  it('are there as tables too', async () => {
    await open(async (page) => {
      const { timeline } = result;
      // By key: a chart above that is drawn meanwhile moves what a pointer would meet.
      await figure(page, 'timeline-pods').locator('summary').press('Enter');
      const table = figure(page, 'timeline-pods').getByRole('table');
      expect(await table.locator('thead').innerText()).toMatch(/Since the start.*pods created.*nodes ready/s);
      expect(await table.locator('tbody tr').count()).toBe(timeline.length);
      const last = await table.locator('tbody tr').last().locator('td').allInnerTexts();
      expect(numbers(last)[0]).toBe(timeline.at(-1)?.podsCreated);

      const map = figure(page, 'heat-map-api-2');
      await map.locator('summary').press('Enter');
      expect(await map.getByRole('table').locator('thead').innerText()).toMatch(/Since the start.*Calls/s);
      const counts = await map.getByRole('table').locator('tbody td:last-child').allInnerTexts();
      const cells = result.latencyGrids[1]?.columns.flat() ?? [];
      const sum = (all: readonly number[]): number => all.reduce((before, one) => before + one, 0);
      expect(sum(numbers(counts))).toBe(sum(cells));
      expect(counts.length).toBeGreaterThan(5);
    });
  });

  it('of any indicator, alone and beside another one', async () => {
    await open(async (page) => {
      const curves = chart(page, 'explorer-percentiles');
      const labels = (): Promise<string[]> =>
        curves.evaluate((element) => {
          const { Chart } = globalThis as unknown as { Chart: typeof import('chart.js').Chart };
          const shown = Chart.getChart(element as HTMLCanvasElement);
          return shown?.data.datasets.map(({ label }) => String(label)) ?? [];
        });
      await read(curves);
      const names = await page
        .getByRole('combobox', { name: 'Indicator' })
        .locator('option')
        .allTextContents();
      expect(names).toHaveLength(result.slis.filter(({ count }) => count > 0).length);
      await page.getByRole('combobox', { name: 'Indicator' }).selectOption(names[1] ?? '');
      await page.getByRole('combobox', { name: 'Beside' }).selectOption(names[0] ?? '');
      await read(curves);
      expect(await labels()).toEqual([names[1], names[0]]);
      await read(chart(page, 'explorer-histogram'));
      expect(await figure(page, 'explorer-histogram').innerText()).toContain(names[1]);
      await box(page, 'explorer-percentiles').focus();
      await page.keyboard.press('ArrowLeft');
      expect(await figure(page, 'explorer-percentiles').locator('output').innerText()).toContain(
        `${names[0]}: `,
      );
    });
  });
});

describe('nodes', () => {
  it('lead from a map to a node, its pods, their workload, and back, by mouse', async () => {
    await open(async (page) => {
      const { area } = await read(chart(page, 'nodes-pods'));
      await page.mouse.click(area.x + area.width * 0.1, area.y + area.height * 0.1);
      const dialog = page.getByRole('dialog');
      const title = dialog.locator('h2');
      const node = (await title.innerText()).replace(/^Node /, '');
      const record = result.inventory.nodes.find(
        ({ name }) => name === node,
      ) as RunResult['inventory']['nodes'][0];
      expect(await dialog.locator('tbody th').allInnerTexts()).toHaveLength(record.kept.names.length);
      expect((await dialog.locator('tbody th').allInnerTexts()).toSorted()).toEqual(
        record.kept.names.toSorted(),
      );
      await dialog.locator('tbody button').first().click();
      expect(await title.innerText()).toMatch(/^Workload density-deployment-\d+$/);
      await dialog.locator('tbody button').first().click();
      expect(await title.innerText()).toMatch(/^Node /);
      await dialog.getByRole('button', { name: 'Back' }).click();
      expect(await title.innerText()).toMatch(/^Workload /);
      await dialog.getByRole('button', { name: 'Back' }).click();
      expect(await title.innerText()).toBe(`Node ${node}`);
      await dialog.getByRole('button', { name: 'Close' }).click();
      expect(await dialog.isVisible()).toBe(false);
      await page.locator('#workloads-table tbody button').first().click();
      expect(await title.innerText()).toMatch(/^Workload /);
      await page.mouse.click(5, 400);
      expect(await dialog.isVisible()).toBe(false);
    });
  });

  it('lead there by keys, and the focus returns to where it was', async () => {
    await open(async (page) => {
      await read(chart(page, 'nodes-readiness'));
      await box(page, 'nodes-readiness').focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      expect(await figure(page, 'nodes-readiness').locator('output').innerText()).toMatch(
        /^hollow-node-1; ready/,
      );
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog');
      expect(await page.locator(':focus').innerText()).toBe('Node hollow-node-1');
      for (let nth = 0; nth < 40; nth++) {
        await page.keyboard.press('Tab');
        const isInside = await page.evaluate(
          () =>
            document.activeElement === document.body || document.activeElement?.closest('dialog') !== null,
        );
        expect(isInside, `after ${nth + 1} tabs`).toBe(true);
      }
      await page.keyboard.press('Escape');
      expect(await dialog.isVisible()).toBe(false);
      expect(
        await page.evaluate(() => document.activeElement?.firstElementChild?.getAttribute('data-chart')),
      ).toBe('nodes-readiness');
    });
  });

  it('that are named in other places lead to their pods too', async () => {
    await open(async (page) => {
      await page.locator('#startup [data-node] button').first().click();
      expect(await page.getByRole('dialog').locator('h2').innerText()).toBe('Node hollow-node-0');
    });
  });
});

describe('a run of 100,000 points', () => {
  it('is drawn, with its one peak, and can be zoomed to it', async () => {
    const url = writePage(dir, 'long', longResult(100_000));
    await open(async (page) => {
      const times = await page.evaluate(() => {
        const [entry] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
        return { interactiveMs: entry?.domInteractive ?? 0, loadedMs: entry?.loadEventEnd ?? 0 };
      });
      const told = `interactive after ${Math.round(times.interactiveMs)} ms, loaded after ${Math.round(times.loadedMs)} ms`;
      process.stderr.write(`report of 100,000 points: ${told}\n`);
      await expectChartsDrawn(page);
      const counts = await page.locator('canvas[data-chart]').evaluateAll((all) => {
        const { Chart } = globalThis as unknown as { Chart: typeof import('chart.js').Chart };
        return all.flatMap((element) =>
          (Chart.getChart(element as HTMLCanvasElement)?.data.datasets ?? []).map(({ data }) => data.length),
        );
      });
      expect(counts.length).toBeGreaterThan(20);
      expect(Math.max(...counts)).toBeLessThan(6000);
      const latency = chart(page, 'timeline-latency');
      const drawn = (): Promise<(number | null)[]> =>
        latency.evaluate((element) => {
          const { Chart } = globalThis as unknown as { Chart: typeof import('chart.js').Chart };
          const shown = Chart.getChart(element as HTMLCanvasElement);
          return (shown?.data.datasets[1]?.data ?? []).map((point) => (point as { y: number | null }).y);
        });
      await read(latency);
      const all = await drawn();
      expect(all.length).toBeLessThan(6000);
      expect(Math.max(...all.map(Number))).toBe(9_000_000);
      const { area } = await read(latency);
      await page.mouse.move(area.x + area.width * 0.77, area.y + area.height / 2);
      await page.mouse.down();
      await page.mouse.move(area.x + area.width * 0.785, area.y + area.height / 2, { steps: 4 });
      await page.mouse.up();
      expect(Math.max(...(await drawn()).map(Number))).toBe(9_000_000);
      const [from, to] = (await read(latency)).x;
      expect(from).toBeLessThan(77_777_000);
      expect(to).toBeGreaterThan(77_777_000);
    }, url);
  });
});
