import { tool } from '../../base/package-info.ts';
import type { ChartSpec } from '../../report/charts/chart-spec.ts';
import { type Markup, html, jsonForScript, trusted } from '../../report/html/markup.ts';

export type FrameOptions = {
  title: string;
  /** The places of the bar at the top; the one that is shown has no link. */
  places: readonly { name: string; href: string; isCurrent: boolean }[];
  /** An SVG of ours. */
  logo: string;
  charts?: readonly ChartSpec[];
  /** A script of ours, below `/assets/dashboard/page/`. */
  script: 'pages.js' | 'live.js';
  content: readonly Markup[];
};

/** A page with the report's head, bar and foot. */
export function frame({ title, places, logo, charts = [], script, content }: FrameOptions): string {
  const links = places.map(
    ({ name, href, isCurrent }) =>
      html`<li><a href="${href}"${isCurrent && html` aria-current="page"`}>${name}</a></li>`,
  );
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – Hollowmark</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/style.css">
<script src="/assets/theme.js"></script>
<script src="/assets/chart.js" defer></script>
<script type="module" src="/assets/dashboard/page/${script}"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
<header class="top"><div class="inner"><a class="brand" href="/">${trusted(logo)}<span>Hollowmark</span></a><nav aria-label="Pages"><ul>${links}</ul></nav><button type="button" id="theme" class="plain" aria-pressed="false"><span aria-hidden="true">◐</span> Dark</button></div></header>
<main id="content">${content}</main>
<footer><p>Hollowmark ${tool.version}. Nothing can be changed from these pages.</p></footer>
<script type="application/json" id="charts">${jsonForScript(charts)}</script>
</body>
</html>
`;
  return page.markup;
}
