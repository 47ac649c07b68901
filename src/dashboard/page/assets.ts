import { readFileSync } from 'node:fs';
import { sharedParts } from '../../report/html/render-html.ts';
import { type Reply, notFound } from '../http/reply.ts';
import type { FrameOptions } from './frame.ts';

const scriptType = 'text/javascript; charset=utf-8';

/** Short: the next version of Hollowmark may serve others under the same name. */
const maxAgeSeconds = 60;

type Asset = { type: string; body: string };

/** Everything that our pages load: read once, and nothing else is ever served in its place. */
export class Assets {
  readonly logo: string;
  private readonly files = new Map<string, Asset>();

  /** @param script that the pages begin with, beside this file; what it imports is served with it */
  constructor(script: FrameOptions['script']) {
    const { style, themeScript, chartLibrary, logo } = sharedParts();
    this.logo = logo;
    this.files.set('style.css', {
      type: 'text/css; charset=utf-8',
      body: `${style}\n${ownText('dashboard/page/style.css')}`,
    });
    this.files.set('theme.js', { type: scriptType, body: themeScript });
    this.files.set('chart.js', { type: scriptType, body: chartLibrary });
    this.addModule(`dashboard/page/${script}`);
  }

  /** @param parts of the path below `/assets/` */
  reply(parts: readonly string[]): Reply {
    const asset = this.files.get(parts.join('/'));
    return asset === undefined ? notFound : { status: 200, ...asset, maxAgeSeconds };
  }

  /** The scripts keep their places to each other, so that the browser finds what one imports of another. */
  private addModule(path: string): void {
    if (this.files.has(path)) return;
    const body = ownText(path);
    this.files.set(path, { type: scriptType, body });
    for (const [, specifier = ''] of body.matchAll(/^(?:import|export) [^;]*?from '(\.[^']+)';$/gm)) {
      this.addModule(new URL(specifier, `file:///${path}`).pathname.slice(1));
    }
  }
}

function ownText(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}
