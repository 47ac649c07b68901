import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleResult } from '../unit/report/sample-result.ts';
import {
  type Visit,
  accessFaults,
  expectChartsDrawn,
  expectNoSidewaysScroll,
  inkOf,
  keepPicture,
  narrow,
  pictureFolder,
  startBrowser,
  tabFaults,
  visiting,
  wide,
} from './browser.ts';
import { hostileNames, hostileResult, writePage } from './samples.ts';

let browser: Browser;
let dir: string;
let report: string;
let longNames: string;

beforeAll(async () => {
  browser = await startBrowser();
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-browser-'));
  const result = sampleResult({ verdict: 'fail' });
  report = writePage(dir, 'report', result);
  longNames = writePage(dir, 'long-names', hostileResult(result, hostileNames['the longest name'] ?? ''));
});

afterAll(async () => {
  await browser.close();
  rmSync(dir, { recursive: true, force: true });
});

function open(
  look: (page: Page, visit: Visit) => Promise<void>,
  options: BrowserContextOptions & { url?: string } = {},
): Promise<void> {
  const { url = report, ...context } = options;
  return visiting(
    browser,
    url,
    async (visit) => {
      await look(visit.page, visit);
      expect(visit.complaints).toEqual([]);
    },
    context,
  );
}

/** How light the page is, 0..255. */
const lightness = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const parts = getComputedStyle(document.body).backgroundColor.match(/\d+/g) ?? [];
    return parts.slice(0, 3).reduce((sum, part) => sum + Number(part) / 3, 0);
  });

/** The colour of text in charts. */
const chartText = (page: Page): Promise<unknown> =>
  page
    .locator('canvas[data-chart]')
    .first()
    .evaluate((element) => {
      const { Chart } = globalThis as unknown as { Chart: typeof import('chart.js').Chart };
      return Chart.getChart(element as HTMLCanvasElement)?.options.scales?.['x']?.ticks?.color;
    });

describe('light and dark', () => {
  it.each(['light', 'dark'] as const)('follow the system: %s', async (colorScheme) => {
    await open(
      async (page) => {
        const isDark = colorScheme === 'dark';
        expect((await lightness(page)) < 60).toBe(isDark);
        const button = page.getByRole('button', { name: 'Dark' });
        expect(await button.getAttribute('aria-pressed')).toBe(String(isDark));
        await expectChartsDrawn(page);
        const before = await chartText(page);
        await page.emulateMedia({ colorScheme: isDark ? 'light' : 'dark' });
        await expect.poll(() => button.getAttribute('aria-pressed')).toBe(String(!isDark));
        expect((await lightness(page)) < 60).toBe(!isDark);
        expect(await chartText(page)).not.toBe(before);
      },
      { colorScheme },
    );
  });

  it('are chosen by the button, and the choice is remembered over the system', async () => {
    await open(
      async (page, { context }) => {
        await page.getByRole('button', { name: 'Dark' }).click();
        expect(await lightness(page)).toBeLessThan(60);
        await page.reload();
        expect(await lightness(page)).toBeLessThan(60);
        expect(await page.getByRole('button', { name: 'Dark' }).getAttribute('aria-pressed')).toBe('true');
        await page.getByRole('button', { name: 'Dark' }).press('Enter');
        expect(await lightness(page)).toBeGreaterThan(200);
        await page.emulateMedia({ colorScheme: 'dark' });
        expect(await lightness(page)).toBeGreaterThan(200);
        expect(context.pages()).toHaveLength(1);
      },
      { colorScheme: 'light' },
    );
  });
});

describe('the keyboard alone', () => {
  it('reaches everything in the order of the page, and what has the focus can be seen', async () => {
    await open(async (page) => {
      await expectChartsDrawn(page);
      expect(await tabFaults(page)).toBe('');
    });
  });

  it('skips the bar at the top', async () => {
    await open(async (page) => {
      await page.keyboard.press('Tab');
      const skip = page.getByRole('link', { name: 'Skip to the report' });
      expect(await skip.evaluate((element) => element === document.activeElement)).toBe(true);
      expect((await skip.boundingBox())?.height).toBeGreaterThan(20);
      await page.keyboard.press('Enter');
      await page.keyboard.press('Tab');
      expect(await page.evaluate(() => document.activeElement?.closest('main') !== null)).toBe(true);
      expect(await page.evaluate(() => document.activeElement?.closest('header'))).toBe(null);
    });
  });
});

describe('assistive technology', () => {
  it.each(['light', 'dark'] as const)(
    'finds roles, names and contrast as they should be: %s',
    async (colorScheme) => {
      for (const url of [report, longNames]) {
        await open(
          async (page) => {
            await expectChartsDrawn(page);
            expect(await accessFaults(page)).toBe('');
            await page.locator('#nodes-table tbody button').first().click();
            expect(await accessFaults(page)).toBe('');
          },
          { colorScheme, url },
        );
      }
    },
  );

  it('is told what charts show and what tables are of', async () => {
    await open(async (page) => {
      expect(await page.locator('h1').count()).toBe(1);
      const named = await page
        .locator('canvas[data-chart]')
        .evaluateAll((all) => all.map((canvas) => canvas.getAttribute('aria-label') ?? ''));
      for (const name of named) expect(name.length).toBeGreaterThan(20);
      const tables = await page.locator('main table').evaluateAll((all) =>
        all.map((table) => {
          const { caption, tHead, tBodies } = table as HTMLTableElement;
          const heads = [...(tHead?.rows[0]?.cells ?? [])];
          const rows = [...(tBodies[0]?.rows ?? [])];
          return {
            caption: caption?.textContent ?? '',
            named: heads.every((cell) => cell.matches('th[scope="col"]') && cell.textContent.trim() !== ''),
            headed: rows.every((row) => row.cells[0]?.matches('th[scope="row"]')),
          };
        }),
      );
      for (const { caption, named: isNamed, headed } of tables) {
        expect([caption, isNamed, headed]).toEqual([expect.stringMatching(/./), true, true]);
      }
      const landmarks = await page.locator('body').ariaSnapshot();
      for (const line of ['- banner:', '- navigation "Sections":', '- main:', '- contentinfo:']) {
        expect(landmarks).toContain(line);
      }
    });
  });

  it('meets nothing that moves when the reader wants none of it', async () => {
    await open(
      async (page) => {
        await page.getByRole('button', { name: 'Dark' }).click();
        await page.locator('#nodes-table tbody button').first().click();
        const moving = await page.evaluate(() => [
          document.getAnimations().length,
          [...document.querySelectorAll('*')].filter((element) => {
            const { animationName, transitionDuration } = getComputedStyle(element);
            return animationName !== 'none' || transitionDuration !== '0s';
          }).length,
        ]);
        expect(moving).toEqual([0, 0]);
      },
      { reducedMotion: 'reduce' },
    );
  });
});

describe('small screens and large text', () => {
  it('fits a telephone without scrolling sideways, whatever the names', async () => {
    for (const url of [report, longNames]) {
      await open(
        async (page) => {
          await expectChartsDrawn(page);
          await expectNoSidewaysScroll(page);
          await page.locator('#nodes-table tbody button').first().click();
          const dialog = await page.getByRole('dialog').boundingBox();
          expect((dialog?.x ?? -1) >= 0 && (dialog?.x ?? 0) + (dialog?.width ?? 0) <= narrow.width).toBe(
            true,
          );
        },
        { viewport: narrow, url },
      );
    }
  });

  it('grows with what the reader has set for text, charts too', async () => {
    await open(async (page, { context }) => {
      const tick = (): Promise<unknown> =>
        page
          .locator('canvas[data-chart]')
          .first()
          .evaluate((element) => {
            const { Chart } = globalThis as unknown as { Chart: typeof import('chart.js').Chart };
            const font = Chart.getChart(element as HTMLCanvasElement)?.options.scales?.['x']?.ticks?.font;
            return (font as { size: number } | undefined)?.size;
          });
      const size = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).fontSize);
      await expectChartsDrawn(page);
      expect([await size(), await tick()]).toEqual(['15px', 12]);
      const devtools = await context.newCDPSession(page);
      await devtools.send('Page.setFontSizes', { fontSizes: { standard: 28, fixed: 23 } });
      await page.reload();
      await expectChartsDrawn(page);
      expect([await size(), await tick()]).toEqual(['26.25px', 21]);
      await expectNoSidewaysScroll(page);
      await keepPicture(page, 'report-large-text');
    });
  });
});

describe('on paper', () => {
  it('has every section, all details open and all charts drawn as wide as the paper', async () => {
    await open(
      async (page) => {
        await page.evaluate(() => {
          addEventListener('beforeprint', () => {
            const charts = [...document.querySelectorAll<HTMLCanvasElement>('#content canvas')];
            Object.assign(globalThis, {
              atPrint: {
                widest: Math.max(...charts.map((canvas) => canvas.getBoundingClientRect().width)),
                closed: document.querySelectorAll('details:not([open], .data)').length,
              },
            });
          });
        });
        await page.setViewportSize({ width: 718, height: 1000 });
        await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
        await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
        await keepPicture(page, 'report-paper');
        await page.evaluate(() => dispatchEvent(new Event('afterprint')));
        await page.emulateMedia({ media: null, colorScheme: 'dark' });
        await page.setViewportSize(wide);
        const closedBefore = await page.locator('details:not([open])').count();
        const pdf = await page.pdf({
          path: join(pictureFolder(), 'report.pdf'),
          printBackground: true,
          tagged: true,
          outline: true,
        });
        const atPrint = await page.evaluate(
          () => (globalThis as unknown as { atPrint: { widest: number; closed: number } }).atPrint,
        );
        expect(atPrint.closed).toBe(0);
        // A4 less its margins at 96 pixels an inch.
        expect(atPrint.widest).toBeLessThan(718);
        const text = pdf.toString('latin1');
        expect(text.match(/\/Type ?\/Page\b/g)?.length).toBeGreaterThan(4);
        const titles = await page.locator('main > section > h2').allInnerTexts();
        for (const title of titles)
          if (title !== 'Any indicator as a curve') expect(text).toContain(`(${title})`);
        for (const canvas of await page.locator('main canvas').all()) {
          expect(await canvas.evaluate(inkOf)).toBeGreaterThan(20);
        }
        // And on the screen again as it was.
        expect(await page.locator('details:not([open])').count()).toBe(closedBefore);
        expect(await page.locator('html').getAttribute('class')).toBe('scripted');
      },
      { colorScheme: 'dark' },
    );
  });
});
