import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { formatCount, formatDurationUs } from '../../report/charts/format.js';
import { type Markup, html } from '../../report/html/markup.ts';
import { facts, section, time } from '../../report/html/parts.ts';
import { isFileName, pathBelow } from '../http/file-below.ts';
import { fileHref, withQuery } from './links.ts';
import type { RunEntry } from './run-entry.ts';
import { comparableKey } from './trend.ts';
import { verdictBadges } from './verdict-badges.ts';

/** Files of a run that are listed; a run writes some hundred. */
const filesMax = 2_000;
const depthMax = 6;

/** Runs that one may be compared with from its own page. */
const othersMax = 50;

/** A run: what it was, all files of its folder, and what it can be compared with. */
export async function runPage(
  root: string,
  run: RunEntry,
  runs: readonly RunEntry[],
): Promise<{ title: string; content: Markup[] }> {
  const files = await filesOf(root, run.folder);
  const report = files.includes('report.html');
  return {
    title: run.id,
    content: [
      html`<div class="title"><h1>${run.id}</h1><p class="muted">${verdictBadges(run)} ${run.summary}</p></div>`,
      html`<p>${report && html`<a href="${fileHref(run, 'report.html')}">Report</a> · `}<a href="${withQuery('/trends', { scenario: run.scenario })}">Trends of ${run.scenario}</a></p>`,
      html`<div class="columns"><div class="card">${facts([
        ['Scenario', run.scenario],
        ['Started', time(run.startedAt)],
        ['Duration', formatDurationUs(run.durationMs * 1000)],
        ['Size', `${formatCount(run.nodes)} nodes, ${formatCount(run.pods)} pods`],
      ])}</div><div class="card">${facts([
        ['Kubernetes', `${run.kubernetes}, flags ${run.flags}`],
        ['Hollowmark', `${run.tool}, profile ${run.profile}`],
        ['Machine', run.machine],
        ['Folder', run.folder],
      ])}</div></div>`,
      others(run, runs),
      section('files', 'Files', [
        files.length === 0 ? html`<p class="empty">There are none any more.</p>` : fileLists(run, files),
      ]),
    ],
  };
}

/** The files of the folder itself, then those of each folder in it. */
function fileLists(run: RunEntry, files: readonly string[]): Markup {
  const folders = new Map<string, string[]>([['', []]]);
  for (const name of files) {
    const slash = name.lastIndexOf('/');
    const folder = name.slice(0, Math.max(0, slash));
    folders.set(folder, [...(folders.get(folder) ?? []), name]);
  }
  const lists = [...folders].map(([folder, names]) => {
    const links = names.map((name) => {
      const shown = folder === '' ? name : name.slice(folder.length + 1);
      return html`<li><a href="${fileHref(run, name)}">${shown}</a></li>`;
    });
    return html`${folder !== '' && html`<h3>${folder}</h3>`}<ul class="files">${links}</ul>`;
  });
  return html`${lists}`;
}

function others(run: RunEntry, runs: readonly RunEntry[]): Markup {
  const like = comparableKey(run);
  const found = runs
    .filter((other) => other.folder !== run.folder && comparableKey(other) === like)
    .slice(0, othersMax);
  if (found.length === 0) return html``;
  return section('compare-with', 'Comparable runs', [
    html`<p class="lead">Same scenario, Kubernetes, flags, profile, machine and nodes.</p><ul class="files">${found.map((other) => html`<li><a href="${compareHref(other, run)}">${other.id}</a> ${verdictBadges(other)}</li>`)}</ul>`,
  ]);
}

function compareHref(first: RunEntry, second: RunEntry): string {
  const query = new URLSearchParams([
    ['run', first.folder],
    ['run', second.folder],
  ]);
  return `/compare?${query.toString()}`;
}

/** Regular files of a run's folder, by path below it; links and hidden files are left out. */
async function filesOf(root: string, folder: string): Promise<string[]> {
  const top = await pathBelow(root, folder === '' ? [] : folder.split('/'));
  const names: string[] = [];
  const visit = async (below: string, depth: number): Promise<void> => {
    const entries = await readdir(join(top ?? '', below), { withFileTypes: true }).catch(() => []);
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (names.length >= filesMax || !isFileName(entry.name)) continue;
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isFile()) names.push(path);
      else if (entry.isDirectory() && depth < depthMax) await visit(path, depth + 1);
    }
  };
  if (top !== undefined) await visit('', 1);
  return names;
}
