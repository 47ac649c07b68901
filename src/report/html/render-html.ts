import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { RunResult } from '../../result/result.ts';
import { chartsOf } from '../charts/charts.ts';
import { packed } from '../charts/pack.ts';
import { interFonts } from '../font.ts';
import type { JudgedGate } from '../judged-gate.ts';
import { environment, resources, timeline } from './environment.ts';
import { apiCalls, otherIndicators, podStartup } from './latencies.ts';
import { distributions, distributionsOf } from './distributions.ts';
import { figures } from './figures.ts';
import { gateRules } from './gate.ts';
import { nodes, workloads } from './inventory.ts';
import { inventoryData } from './inventory-data.ts';
import { html, jsonForScript, type Markup, trusted } from './markup.ts';
import { failures, objectives, phases, validity } from './objectives.ts';
import { banner, keyFacts, notes } from './overview.ts';

const require = createRequire(import.meta.url);

/**
 * The report as one HTML file that opens from disk: styles, scripts, font and figures are inside, and a content
 * security policy forbids everything else, the network included. All text from the result is escaped.
 *
 * @param result as read by `readResult` or as a run made it
 * @param gate what a gate has said of the run
 */
export function renderHtml(result: RunResult, gate?: JudgedGate): string {
  const charts = chartsOf(result);
  const byId = new Map(charts.map((spec) => [spec.id, spec]));
  const sections: [id: string, title: string, content: Markup][] = [
    ['failures', 'What went wrong', failures(result)],
    ['gate', 'Gate', gateRules(gate)],
    ['slos', 'SLOs', objectives(result)],
    ['startup', 'Pod startup', podStartup(result, byId)],
    ['timeline', 'Course', timeline(byId)],
    ['phases', 'Phases', phases(result)],
    ['api', 'API calls', apiCalls(result, byId)],
    ['others', 'Indicators', otherIndicators(result)],
    ['distributions', 'Curves', distributions(result)],
    ['figures', 'Figures', figures(result)],
    ['nodes', 'Nodes', nodes(result, byId)],
    ['workloads', 'Workloads', workloads(result)],
    ['validity', 'Trust', validity(result)],
    ['resources', 'Resources', resources(result, byId)],
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
<title>${result.verdict}${gate?.verdict === 'worse' && ', worse than the baseline'}: ${result.run.scenario}, ${result.run.id} – Hollowmark</title>
<style>${trusted(fontFaces())}${trusted(ownFile('style.css'))}</style>
<script>${trusted(scripts[0] ?? '')}</script>
</head>
<body>
<a class="skip" href="#content">Skip to the report</a>
<header class="top"><div class="inner"><a class="brand" href="#content">${trusted(ownFile('logo.svg'))}<span>Hollowmark</span></a><nav aria-label="Sections"><ul>${links}</ul></nav><button type="button" id="theme" class="plain" aria-pressed="false"><span aria-hidden="true">◐</span> Dark</button></div></header>
<main id="content">
<div class="title"><h1>${result.run.scenario}</h1><p class="muted">Run <code>${result.run.id}</code>, ${result.cluster.version} on ${result.machine.cpuModel} × ${result.machine.cpuCount}</p></div>
${banner(result, gate)}
${keyFacts(result)}
${notes(result)}
<noscript><p class="notes">The charts need JavaScript; result.json has every figure in them.</p></noscript>
${shown.map(([, , content]) => content)}
</main>
<footer><p>Made by Hollowmark ${result.tool.version}. Histograms are HDR, in microseconds, three significant digits; <code>result.json</code> holds them in full.</p></footer>
<dialog id="detail" aria-labelledby="detail-title"><div class="head"><button type="button" class="plain back" hidden>← Back</button><h2 id="detail-title" tabindex="-1"></h2><button type="button" class="plain close">Close</button></div><div class="content"></div></dialog>
<script type="application/json" id="distributions-data">${jsonForScript(distributionsOf(result))}</script>
<script type="application/json" id="inventory">${jsonForScript(inventoryData(result.inventory))}</script>
<script type="application/json" id="charts">${jsonForScript(charts.map(packed))}</script>
<script>${trusted(scripts[1] ?? '')}</script>
<script>${trusted(scripts[2] ?? '')}</script>
</body>
</html>
`;
  return page.markup;
}

/** What pages of the dashboard have of the report, so that they look like it. */
export function sharedParts(): { style: string; themeScript: string; chartLibrary: string; logo: string } {
  return {
    style: `${fontFaces()}${ownFile('style.css')}`,
    themeScript: earlyScript(),
    chartLibrary: chartLibrary(),
    logo: ownFile('logo.svg'),
  };
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
  return scriptText(ownFile('page/theme.js'));
}

/** Chart.js as it is published, but for the reference to a source map, which would be a file outside. */
function chartLibrary(): string {
  const folder = dirname(require.resolve('chart.js'));
  return scriptText(
    readFileSync(join(folder, 'chart.umd.min.js'), 'utf8').replace(/\n?\/\/# sourceMappingURL=.*\s*$/, ''),
  );
}

/** What Node shares with the page, each after what it imports, and the page's own. */
const sharedScripts = [
  'format.js',
  'themes.js',
  'screen-sizes.js',
  'thin.js',
  'plugins.js',
  'cells.js',
  'bars.js',
  'legend.js',
  'hydrate.js',
  'unpack.js',
  'cell-rows.js',
];
const ownScripts = ['tables.js', 'inventory.js', 'figures.js', 'charts.js', 'explorer.js', 'page.js'];

/** All of them as one script in one scope, where nothing is left to import. */
function pageScript(): string {
  const files = [
    ...sharedScripts.map((name) => `../charts/${name}`),
    ...ownScripts.map((name) => `page/${name}`),
  ];
  const texts = files.map((name) =>
    ownFile(name)
      .replace(/^import [^;]*;$/gm, '')
      .replace(/^export /gm, ''),
  );
  return scriptText(`(() => {\n'use strict';\n${texts.join('\n')}\n})();`);
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
