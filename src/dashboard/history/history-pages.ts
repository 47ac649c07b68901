import { readFile } from 'node:fs/promises';
import type { ChartSpec } from '../../report/charts/chart-spec.ts';
import { type Markup, html } from '../../report/html/markup.ts';
import { parseResult } from '../../result/read.ts';
import { resultFileName } from '../../result/result.ts';
import { type PageRequest, type Reply, htmlType } from '../http/reply.ts';
import { pathBelow } from '../http/file-below.ts';
import { Assets } from '../page/assets.ts';
import { frame } from '../page/frame.ts';
import { artefact } from './artefact.ts';
import { type Side, comparePage } from './compare-page.ts';
import { filterOf } from './filter.ts';
import type { RunEntry } from './run-entry.ts';
import type { RunIndex } from './run-index.ts';
import { runPage } from './run-page.ts';
import { runsPage } from './runs-page.ts';
import { trendsPage } from './trends-page.ts';

type Page = { status?: number; title: string; content: readonly Markup[]; charts?: readonly ChartSpec[] };

/** The pages of a folder of runs, by their addresses. */
export class HistoryPages {
  private readonly index: RunIndex;
  private readonly assets = new Assets('pages.js');

  constructor(index: RunIndex) {
    this.index = index;
  }

  async handle({ path, query }: PageRequest): Promise<Reply> {
    const [first = '', ...rest] = path;
    if (first === 'assets') return this.assets.reply(rest);
    await this.index.refresh();
    if (first === 'files') return this.file(rest);
    const page = await this.page(first, rest, query);
    const places = [
      { name: 'Runs', href: '/', isCurrent: first === '' },
      { name: 'Trends', href: '/trends', isCurrent: first === 'trends' },
    ];
    return {
      status: page.status ?? 200,
      type: htmlType,
      body: frame({ ...page, places, logo: this.assets.logo, script: 'pages.js' }),
    };
  }

  private async page(first: string, rest: readonly string[], query: URLSearchParams): Promise<Page> {
    const { index } = this;
    if (first === 'run') {
      const run = this.runAt(rest.join('/'));
      return run === undefined ? missing('no such run') : runPage(index.root, run, index.runs);
    }
    if (rest.length > 0) return missing('no such page');
    switch (first) {
      case '':
        return { title: 'Runs', content: runsPage(index, filterOf(query), pageOf(query)) };
      case 'trends':
        return { title: 'Trends', ...trendsPage(index, query) };
      case 'compare':
        return this.compare(query.getAll('run'));
      default:
        return missing('no such page');
    }
  }

  private async compare(folders: readonly string[]): Promise<Page> {
    const entries = folders.map((folder) => this.runAt(folder));
    const [a, b] = entries;
    if (entries.length !== 2 || a === undefined || b === undefined) {
      return missing('two runs to compare: mark two in the list');
    }
    const [first, second] = await Promise.all([this.sideOf(a), this.sideOf(b)]);
    if (first === undefined || second === undefined) return missing('result of one of the two any more');
    return { title: `${a.id} and ${b.id}`, ...comparePage(first, second) };
  }

  private async sideOf(entry: RunEntry): Promise<Side | undefined> {
    const path = await pathBelow(this.index.root, [...partsOf(entry.folder), resultFileName]);
    if (path === undefined) return undefined;
    try {
      const text = await readFile(path, 'utf8');
      return { entry, result: parseResult(text, resultFileName) };
    } catch {
      // Gone, or another one since the index read it: the next look will say which.
      return undefined;
    }
  }

  /** Only files of runs: what else lies in the folder is nobody's business. */
  private file(parts: readonly string[]): Reply | Promise<Reply> {
    const folders = new Set(this.index.runs.map(({ folder }) => folder));
    const isOfRun = parts.some((_, count) => folders.has(parts.slice(0, count).join('/')));
    return artefact(this.index.root, isOfRun ? parts : []);
  }

  private runAt(folder: string): RunEntry | undefined {
    return this.index.runs.find((run) => run.folder === folder);
  }
}

function partsOf(folder: string): string[] {
  return folder === '' ? [] : folder.split('/');
}

function pageOf(query: URLSearchParams): number {
  const page = Number(query.get('page') ?? 1);
  return Number.isSafeInteger(page) ? page : 1;
}

function missing(what: string): Page {
  return {
    status: 404,
    title: 'Not found',
    content: [
      html`<div class="title"><h1>Not found</h1><p>There is ${what}. <a href="/">All runs</a></p></div>`,
    ],
  };
}
