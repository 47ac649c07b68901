import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CliRun } from '../integration/cli-run.ts';
import {
  type Visit,
  accessFaults,
  expectNoSidewaysScroll,
  keepPictures,
  narrow,
  startBrowser,
  tabFaults,
  visiting,
} from './browser.ts';
import { hostileNames, hostileResult, writeRun } from './samples.ts';

let browser: Browser;
let cli: CliRun;
const pages: Record<string, string> = {};

/** Five runs before and five after, of which those after are slow; and two runs with hostile names. */
beforeAll(async () => {
  browser = await startBrowser();
  cli = new CliRun({});
  for (const side of ['before', 'after']) {
    for (let nth = 1; nth <= 5; nth++) {
      await writeRun(join(cli.dir, side, `run-${nth}`), {
        id: `${side}-${nth}`,
        seed: `${side} ${nth}`,
        startedAt: `2026-03-0${nth}T0${side.length}:00:00.000Z`,
        verdict: side === 'after' ? 'fail' : 'pass',
        formats: [],
      });
    }
    const name = Object.values(hostileNames).join(' ');
    await writeRun(join(cli.dir, `<b>'"&${side}`), {
      id: side,
      seed: side,
      startedAt: '2026-03-01T00:00:00.000Z',
      formats: [],
      change: (result) => hostileResult(result, name),
    });
  }
  await compare('several', 'before', 'after');
  await compare('one', 'before/run-1', 'before/run-2');
  await compare('hostile', `<b>'"&before`, `<b>'"&after`);
}, 120_000);

async function compare(name: string, before: string, after: string): Promise<void> {
  const page = `${name}.html`;
  const { code, stderr } = await cli.finish('compare', before, after, '--html', page);
  expect([code, stderr]).toEqual([0, '']);
  pages[name] = pathToFileURL(join(cli.dir, page)).href;
}

afterAll(async () => {
  await browser.close();
  cli.remove();
});

function open(name: string, look: (page: Page, visit: Visit) => Promise<void>): Promise<void> {
  const url = pages[name] ?? '';
  return visiting(browser, url, async (visit) => {
    await look(visit.page, visit);
    expect(visit.complaints).toEqual([]);
    expect(visit.requests).toEqual([url]);
  });
}

describe('the page of a comparison', () => {
  it('shows a curve for each run, and a verdict for each quantile', async () => {
    await open('several', async (page, visit) => {
      expect(await page.locator('h1').innerText()).toBe('after compared with before');
      expect(await page.locator('.banner .verdict').innerText()).toBe('Worse');
      const first = page.locator('svg').first();
      expect(await first.locator('polyline.side-0').count()).toBe(5);
      expect(await first.locator('polyline.side-1').count()).toBe(5);
      for (const line of await page.locator('polyline').all()) {
        const { width, height } = (await line.boundingBox()) ?? { width: 0, height: 0 };
        expect(width).toBeGreaterThan(100);
        expect(height).toBeGreaterThan(10);
      }
      const row = page.locator('tbody tr', { hasText: 'p99 pod-startup-precise' });
      expect(await row.innerText()).toMatch(/×[\d.]+ to ×[\d.]+.*worse/s);
      await keepPictures(visit, 'comparison');
    });
  });

  it('of two runs alone says that they cannot show much', async () => {
    await open('one', async (page, visit) => {
      expect(await page.locator('.banner .verdict').innerText()).toBe('Inconclusive');
      await keepPictures(visit, 'comparison-of-two');
    });
  });

  it('keeps hostile names as text', async () => {
    await open('hostile', async (page) => {
      expect(await page.locator('h1').innerText()).toContain(`<b>'"&after`);
      expect(await page.evaluate(() => 'owned' in globalThis)).toBe(false);
      expect(await page.locator('main :is(script, img, b, style)').count()).toBe(0);
      expect(await page.locator('svg [onload]').count()).toBe(0);
      await page.setViewportSize(narrow);
      await expectNoSidewaysScroll(page);
    });
  });

  it('can be used by keys, by assistive technology, and on a telephone', async () => {
    await open('several', async (page) => {
      expect(await tabFaults(page)).toBe('');
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await accessFaults(page), colorScheme).toBe('');
      }
      await page.setViewportSize(narrow);
      await expectNoSidewaysScroll(page);
    });
  });
});
