import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { RunResult } from '../../result/result.ts';
import { chartsOf } from '../charts/charts.ts';
import { interFonts } from '../font.ts';
import { environment, resources, timeline } from './environment.ts';
import { apiCalls, otherIndicators, podStartup } from './latencies.ts';
import { html, jsonForScript, type Markup, trusted } from './markup.ts';
import { failures, objectives, phases, validity } from './objectives.ts';
import { banner, keyFacts, notes } from './overview.ts';

const require = createRequire(import.meta.url);

/**
 * The report as one HTML file that opens from disk: styles, scripts, font and figures are inside, and a content
 * security policy forbids everything else, the network included. All text from the result is escaped.
 *
 * @param result as read by `readResult` or as a run made it
 */
export function renderHtml(result: RunResult): string {
  const charts = chartsOf(result);
  const byId = new Map(charts.map((spec) => [spec.id, spec]));
  const sections: [id: string, title: string, content: Markup][] = [
    ['failures', 'What went wrong', failures(result)],
    ['slos', 'SLOs', objectives(result)],
    ['startup', 'Pod startup', podStartup(result, byId)],
    ['timeline', 'Course', timeline(byId)],
    ['phases', 'Phases', phases(result)],
    ['api', 'API calls', apiCalls(result, byId)],
    ['others', 'Other indicators', otherIndicators(result)],
    ['validity', 'Trust', validity(result)],
    ['resources', 'CPU and memory', resources(result, byId)],
    ['environment', 'Environment', environment(result)],
  ];
  const shown = sections.filter(([, , content]) => content.markup !== '');
  const links = shown.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`);
  const scripts = [earlyScript(), chartLibrary(), pageScript()];
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy(scripts)}">
<meta name="generator" content="Hollowmark ${result.tool.version}">
<meta name="color-scheme" content="light dark">
<title>${result.verdict}: ${result.run.scenario}, ${result.run.id} – Hollowmark</title>
<style>${trusted(fontFaces())}${trusted(ownFile('style.css'))}</style>
<script>${trusted(scripts[0] ?? '')}</script>
</head>
<body>
<a class="skip" href="#content">Skip to the report</a>
<header class="top"><div class="inner"><a class="brand" href="#content">${trusted(ownFile('logo.svg'))}<span>Hollowmark</span></a><nav aria-label="Sections"><ul>${links}</ul></nav><button type="button" id="theme" class="plain" aria-pressed="false"><span aria-hidden="true">◐</span> Dark</button></div></header>
<main id="content">
<div class="title"><h1>${result.run.scenario}</h1><p class="muted">Run <code>${result.run.id}</code>, ${result.cluster.version} on ${result.machine.cpuModel} × ${result.machine.cpuCount}</p></div>
${banner(result)}
${keyFacts(result)}
${notes(result)}
<noscript><p class="notes">The charts need JavaScript; every figure in them also stands in a table.</p></noscript>
${shown.map(([, , content]) => content)}
</main>
<footer><p>Made by Hollowmark ${result.tool.version}. Histograms are HDR, in microseconds, three significant digits; <code>result.json</code> holds them in full.</p></footer>
<script type="application/json" id="charts">${jsonForScript(charts)}</script>
<script>${trusted(scripts[1] ?? '')}</script>
<script>${trusted(scripts[2] ?? '')}</script>
</body>
</html>
`;
  return page.markup;
}

function ownFile(name: string): string {
  return readFileSync(new URL(`./${name}`, import.meta.url), 'utf8').trim();
}

/** Nothing may be loaded, and only our own scripts run, known by their hashes. */
function policy(scripts: readonly string[]): string {
  const hashes = scripts.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
  return `default-src 'none'; script-src ${hashes.join(' ')}; style-src 'unsafe-inline'; font-src data:; img-src data:; base-uri 'none'; form-action 'none'`;
}

/** Runs before the page is drawn, so that a chosen theme does not flash. */
function earlyScript(): string {
  return scriptText(ownFile('theme.js'));
}

/** Chart.js as it is published, but for the reference to a source map, which would be a file outside. */
function chartLibrary(): string {
  const folder = dirname(require.resolve('chart.js'));
  return scriptText(
    readFileSync(join(folder, 'chart.umd.min.js'), 'utf8').replace(/\n?\/\/# sourceMappingURL=.*\s*$/, ''),
  );
}

/** The modules that Node shares with the page, then the page's own script, as one script in one scope. */
function pageScript(): string {
  const shared = ['format.js', 'hydrate.js'].map((name) =>
    readFileSync(new URL(`../charts/${name}`, import.meta.url), 'utf8')
      .replace(/^import .*$/gm, '')
      .replace(/^export /gm, ''),
  );
  return scriptText(`(() => {\n'use strict';\n${shared.join('\n')}\n${ownFile('page.js')}\n})();`);
}

/** A script element ends at `</script`, and `<!--` changes how it is read, even inside of a string. */
function scriptText(text: string): string {
  return text.replace(/<\/(script)/gi, '<\\/$1').replaceAll('<!--', '<\\!--');
}

/** The font inside of the page, as nothing outside may be loaded. */
function fontFaces(): string {
  return interFonts()
    .map(({ weight, woff2 }) => {
      const source = `url(data:font/woff2;base64,${woff2.toString('base64')}) format('woff2')`;
      return `@font-face{font-family:Inter;font-weight:${weight};src:${source}}`;
    })
    .join('');
}
