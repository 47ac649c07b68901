import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import axe from 'axe-core';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
  chromium,
} from 'playwright-core';
import { expect } from 'vitest';
import { packageRoot } from '../../src/base/package-info.ts';
import { browserInstall } from '../../src/preflight/facts/tools.ts';

/** Chromium and what is built of it, by the names that distributions give it. */
const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** One that the machine's own settings, extensions and updates do not change. */
const flags = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** How wide a desk's screen and a telephone's are. */
export const wide = { width: 1440, height: 900 };
export const narrow = { width: 390, height: 844 };

/** Higher pictures than this Chromium does not make. */
const pictureHeightMax = 16_000;

/** The browser of this machine, with an empty profile of its own. @throws when there is none, with what installs one. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: browserPath(), args: flags, ignoreDefaultArgs: ['--headless'] });
}

function browserPath(): string {
  const asked = process.env['CHROMIUM'] ?? '';
  if (asked !== '') return asked;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  const found = folders.flatMap((dir) => programs.map((name) => join(dir, name))).find(isProgram);
  if (found !== undefined) return found;
  const install = browserInstall(osRelease(), process.platform) ?? 'apt-get install -y chromium';
  throw new Error(
    `no Chromium on this machine, which these tests need: ${install}, or CHROMIUM=/path/to/chromium npm test`,
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function osRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8');
  } catch {
    return '';
  }
}

/** A page with all that went on in it besides what it shows. */
export class Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings of the console, exceptions, violations of the policy, dialogs, windows, requests that failed. */
  readonly complaints: string[] = [];
  /** Addresses that were asked for, but for those inside of the page (`data:`). */
  readonly requests: string[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.context = context;
    this.page = page;
    this.listen(page);
    context.on('page', (other) => {
      this.complaints.push(`window: ${other.url()}`);
    });
  }

  static async start(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext({ viewport: wide, ...options });
    // Some violations are told nobody but the page.
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        queueMicrotask(() => {
          throw new Error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
        });
      });
    });
    return new Visit(context, await context.newPage());
  }

  private listen(page: Page): void {
    const complain = (text: string): void => void this.complaints.push(text);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complain(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complain(`exception: ${error.message}`));
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? '';
      // The page itself has closed its events, before their stream was seen to end.
      if (request.resourceType() === 'eventsource' && why === 'net::ERR_ABORTED') return;
      complain(`failed: ${request.url()} ${why}`);
    });
    page.on('dialog', (dialog) => {
      complain(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => void this.requests.push(request.url()));
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}

/** Opens a page, and closes it whatever the test has come to. */
export async function visiting(
  browser: Browser,
  url: string,
  look: (visit: Visit) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const visit = await Visit.start(browser, options);
  try {
    await visit.page.goto(url);
    await look(visit);
  } finally {
    await visit.close();
  }
}

/** Every chart of the page has been drawn; they are when they come into view. Ends at the top of the page. */
export async function expectChartsDrawn(page: Page): Promise<void> {
  for (const canvas of await page.locator('canvas[data-chart]').all()) {
    await canvas.scrollIntoViewIfNeeded();
    const name = await canvas.getAttribute('data-chart');
    await expect.poll(() => canvas.evaluate(inkOf), { message: `${name} is drawn` }).toBeGreaterThan(20);
  }
  await page.evaluate(() => scrollTo(0, 0));
}

/**
 * Pixels of a chart's plot that have a colour. Grids and text are grey: a chart of nothing but its axes has none. Runs in
 * the page.
 */
export function inkOf(element: Element): number {
  const canvas = element as HTMLCanvasElement;
  const { Chart } = globalThis as unknown as { Chart: typeof import('chart.js').Chart };
  const chart = Chart.getChart(canvas);
  if (chart === undefined || canvas.width === 0) return 0;
  const { left, top, width, height } = chart.chartArea;
  const scale = chart.currentDevicePixelRatio;
  // A copy: reading a canvas itself twice makes the browser complain.
  const copy = document.createElement('canvas');
  copy.width = Math.max(1, Math.floor(width * scale));
  copy.height = Math.max(1, Math.floor(height * scale));
  const context = copy.getContext('2d');
  if (context === null) return 0;
  context.drawImage(canvas, -left * scale, -top * scale);
  const { data } = context.getImageData(0, 0, copy.width, copy.height);
  let ink = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue, alpha] = [
      data[at] ?? 0,
      data[at + 1] ?? 0,
      data[at + 2] ?? 0,
      data[at + 3] ?? 0,
    ];
    if (alpha > 128 && Math.max(red, green, blue) - Math.min(red, green, blue) > 40) ink++;
  }
  return ink;
}

/** What axe finds: roles, names, contrast, order of headings, landmarks. One line for each element. */
export async function accessFaults(page: Page): Promise<string> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => {
    const { axe: runner } = globalThis as unknown as { axe: typeof axe };
    return runner.run(document, { preload: false, resultTypes: ['violations'] });
  });
  const lines = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, any }) => `${id}: ${target.join(' ')} ${any[0]?.message ?? ''}`),
  );
  return lines.join('\n');
}

/**
 * The page itself never scrolls sideways; what is too wide scrolls in a box of its own. Waits, as charts follow their boxes
 * a moment after a change of the page's width.
 */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  await expect.poll(() => page.evaluate(beyondTheEdge)).toBe('');
}

/** What reaches beyond the page's right edge, by name; runs in the page. */
function beyondTheEdge(): string {
  const limit = document.documentElement.clientWidth;
  const beyond = [...document.querySelectorAll('body *')].filter((element) => {
    const clipped = element.closest('.scroll, .strip, nav ul, pre, dialog, .hidden, .skip');
    return clipped === null && element.getBoundingClientRect().right > limit + 1;
  });
  const { scrollWidth } = document.documentElement;
  if (scrollWidth > limit && beyond.length === 0) return `the page is ${scrollWidth} px wide`;
  const names = beyond.slice(0, 3).map(({ tagName, className, textContent }) => {
    return `${tagName}.${className} ${textContent.slice(0, 40)}`;
  });
  return names.join('\n');
}

/** Where pictures are kept: a folder that git does not know, or the one that `HOLLOWMARK_SCREENSHOTS` names. */
export function pictureFolder(): string {
  const asked = process.env['HOLLOWMARK_SCREENSHOTS'] ?? '';
  const folder = asked === '' ? join(packageRoot, 'reports', 'screenshots') : asked;
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Pictures of the whole page, light and dark, on a desk and on a telephone. Leaves it light and wide. */
export async function keepPictures({ page }: Visit, name: string): Promise<void> {
  for (const [size, viewport] of Object.entries({ narrow, wide })) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectChartsDrawn(page);
      await keepPicture(page, `${name}-${size}-${colorScheme}`);
    }
  }
}

/** What of the whole page is beyond one picture is in others: `name-2`, `name-3`. Ends at the top of the page. */
export async function keepPicture(page: Page, name: string, fullPage = true): Promise<void> {
  const path = (part: string): string => join(pictureFolder(), `${name}${part}.png`);
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  const viewport = page.viewportSize() ?? wide;
  const clip = { x: 0, y: 0, width: viewport.width, height: Math.min(height, pictureHeightMax) };
  const animations = 'disabled' as const;
  await page.screenshot({ path: path(''), animations, ...(fullPage ? { fullPage, clip } : {}) });
  if (!fullPage || height <= pictureHeightMax) return;
  // Chromium takes no picture from further down the page, but of a window that is scrolled there.
  for (let [top, nth] = [pictureHeightMax, 2]; top < height; top += pictureHeightMax, nth++) {
    await page.setViewportSize({ ...viewport, height: Math.min(height - top, pictureHeightMax) });
    await page.evaluate((y) => scrollTo({ top: y, behavior: 'instant' }), top);
    await page.screenshot({ path: path(`-${nth}`), animations });
  }
  await page.setViewportSize(viewport);
  await page.evaluate(() => scrollTo({ top: 0, behavior: 'instant' }));
}

/**
 * Presses Tab from the top of the page to its end.
 * @returns what could have the focus and was passed by, or came out of order, and where the focus could not be seen; a line each
 */
export async function tabFaults(page: Page): Promise<string> {
  const count = await page.evaluate(() => {
    const all = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
    const stops = [...document.querySelectorAll<HTMLElement>(all)].filter(
      (element) => !element.matches(':disabled') && element.checkVisibility({ visibilityProperty: true }),
    );
    Object.assign(globalThis, { stops });
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
    return stops.length;
  });
  const faults: string[] = [];
  for (let expected = 0; expected < count; expected++) {
    await page.keyboard.press('Tab');
    const fault = await page.evaluate((nth) => {
      const { stops } = globalThis as unknown as { stops: HTMLElement[] };
      const [wanted, active] = [stops[nth], document.activeElement];
      const told = (element: Element | null | undefined): string =>
        `${element?.tagName}.${element?.className} ${element?.textContent?.slice(0, 40)}`;
      if (active !== wanted) return `${told(active)} in place of ${told(wanted)}`;
      const { top, bottom, width } = active?.getBoundingClientRect() ?? new DOMRect();
      const bar = document.querySelector('header.top');
      const isAbove = bar?.contains(active) || active?.matches('.skip');
      const from = bar === null || isAbove ? 0 : bar.getBoundingClientRect().bottom;
      return width > 0 && bottom > from && top < innerHeight ? '' : `${told(active)} cannot be seen`;
    }, expected);
    if (fault !== '') faults.push(fault);
    if (faults.length > 5) break;
  }
  return faults.join('\n');
}
