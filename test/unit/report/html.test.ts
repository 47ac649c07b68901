import { createHash } from 'node:crypto';
import { type DefaultTreeAdapterTypes, parse } from 'parse5';
import { describe, expect, it } from 'vitest';
import { chartsOf } from '../../../src/report/charts/charts.ts';
import type { JudgedGate } from '../../../src/report/judged-gate.ts';
import { renderHtml } from '../../../src/report/html/render-html.ts';
import { distributionsOf } from '../../../src/report/html/distributions.ts';
import { type InventoryData, inventoryData } from '../../../src/report/html/inventory-data.ts';
import { escapeHtml, html, jsonForScript } from '../../../src/report/html/markup.ts';
import { sliName } from '../../../src/report/view.ts';
import type { RunResult, RunVerdict } from '../../../src/result/result.ts';
import { hostileName, hostileNameShown, sampleResult } from './sample-result.ts';

type Element = DefaultTreeAdapterTypes.Element;
type Node = DefaultTreeAdapterTypes.ChildNode | DefaultTreeAdapterTypes.Document;

const verdicts: RunVerdict[] = ['pass', 'fail', 'invalid', 'inconclusive', 'interrupted'];

function elements(node: Node): Element[] {
  const children = 'childNodes' in node ? node.childNodes.flatMap((child) => elements(child)) : [];
  return 'tagName' in node ? [node, ...children] : children;
}

function text(node: Node): string {
  if ('value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map((child) => text(child)).join('') : '';
}

function attribute(element: Element, name: string): string | undefined {
  return element.attrs.find((each) => each.name === name)?.value;
}

function page(
  result: RunResult,
  gate?: JudgedGate,
): {
  all: Element[];
  by: (tag: string) => Element[];
  id: (id: string) => Element;
} {
  const all = elements(parse(renderHtml(result, gate)));
  return {
    all,
    by: (tag) => all.filter((element) => element.tagName === tag),
    id: (id) => {
      const found = all.find((element) => attribute(element, 'id') === id);
      if (found === undefined) throw new Error(`no element #${id}`);
      return found;
    },
  };
}

function nothingMeasured(): RunResult {
  return {
    ...sampleResult({ verdict: 'interrupted' }),
    slis: [],
    timeline: [],
    slowestPods: [],
    figures: [],
    calls: [],
    windows: { lengthMs: 0, stepMs: 0, good: 0, bad: 0, undecided: 0 },
    latencyGrids: [],
    inventory: { nodes: [], nodesOmitted: 0, workloads: [] },
    failures: [],
    notes: [],
    validity: { verdict: 'valid', checks: [] },
    resources: { harness: [], controlPlane: [] },
  };
}

describe('renderHtml', () => {
  it('tells what the harness itself may have added, and at what rate phases sent', () => {
    const { id } = page(sampleResult());
    expect(text(id('startup'))).toMatch(/≥ [\d.]+ s/);
    expect(text(id('phases'))).toContain('1,00040/s39.9/s100 %900 µs03');
  });

  it('tells of requests that a slow server held back', () => {
    const result = sampleResult();
    for (const { requests } of result.run.phases) if (requests !== undefined) requests.heldBack = 1234;
    expect(text(page(result).id('phases'))).toContain('100 %, 1,234 held back');
  });

  it.each(verdicts)('shows the verdict, its sentence and the SLOs: %s', (verdict) => {
    const result = sampleResult({ verdict });
    const { by, id } = page(result);
    const body = by('body')[0] as Element;
    expect(text(body)).toContain(result.summary);
    expect(text(id('slos'))).toContain('pod-startup');
    for (const check of result.validity.checks) expect(text(id('validity'))).toContain(check.message);
    for (const note of result.notes) expect(text(body)).toContain(note);
    expect(text(id('environment'))).toContain('--unsafe-no-fsync');
  });

  const figures = { baseline: '40 ms', now: '50 ms', change: '+25 % (+20 % to +30 %)', couldShow: '+9 %' };
  const gate = (verdict: JudgedGate['verdict']): JudgedGate => ({
    verdict,
    summary: '1 run against 6 runs of the baseline: 1 worse.',
    cases: [
      { name: 'p50 steady', verdict: 'same', message: 'as before', figures },
      {
        name: `p90 ${hostileName}`,
        verdict: 'inconclusive',
        message: `no samples ${hostileName}`,
        figures: null,
      },
      { name: 'p99 slow', verdict: 'worse', message: 'slower', figures },
    ],
    remarks: [`left out: run ${hostileName} does not count: invalid`],
    document: '{}',
  });

  it('says what a gate found, by each rule, what is worse first', () => {
    const { by, id } = page(sampleResult(), gate('worse'));
    expect(by('title').map((one) => text(one))[0]).toMatch(/^pass, worse than the baseline: /);
    const banner = by('div').find((one) => attribute(one, 'class')?.startsWith('banner'));
    expect(attribute(banner as Element, 'class')).toBe('banner fail');
    expect(text(banner as Element)).toMatch(/^✕Passed, but worse than the baseline/);
    expect(text(banner as Element)).toContain('Gate: ✕ worse 1 run against 6 runs of the baseline: 1 worse.');
    const rows = elements(id('gate'))
      .filter((one) => one.tagName === 'tr')
      .map((row) =>
        elements(row)
          .filter(({ tagName }) => /^t[hd]$/.test(tagName))
          .map((cell) => text(cell)),
      );
    expect(rows).toEqual([
      ['Rule', 'Verdict', 'Baseline', 'Now', 'Change', 'Could show'],
      ['p99 slow', '✕ worse', '40 ms', '50 ms', '+25 % (+20 % to +30 %)', '+9 %'],
      [`p90 ${hostileNameShown}no samples ${hostileNameShown}`, '? inconclusive', '–', '–', '–', '–'],
      ['p50 steady', '✓ same', '40 ms', '50 ms', '+25 % (+20 % to +30 %)', '+9 %'],
    ]);
    expect(text(id('gate'))).toContain(`left out: run ${hostileNameShown} does not count: invalid`);
    expect(by('img')).toEqual([]);
  });

  it('has the colour of its own verdict where a gate found nothing, and no section where none judged it', () => {
    const bannerOf = (result: RunResult, judged?: JudgedGate): string => {
      const { by } = page(result, judged);
      const found = by('div').find((one) => attribute(one, 'class')?.startsWith('banner'));
      return `${attribute(found as Element, 'class')}: ${text(found as Element).split(/[.✓]?(?:Every|The harness)/)[0]}`;
    };
    expect(bannerOf(sampleResult(), gate('same'))).toMatch(/^banner pass: ✓Passed(?!,)/);
    expect(bannerOf(sampleResult({ verdict: 'invalid' }), gate('worse'))).toMatch(
      /^banner invalid: !Invalid, and worse than the baseline/,
    );
    expect(renderHtml(sampleResult())).not.toMatch(/id="gate"|href="#gate"/);
  });

  it('says of every indicator and figure what it is, where it comes from and how fine it is', () => {
    const result = sampleResult();
    const calls = result.slis.filter((sli) => sli.id === 'api-call');
    result.slis.push(
      ...calls.map((sli) => ({
        ...sli,
        id: 'api-call-raw',
        labels: { ...sli.labels, source: 'load' },
        definition: 'From the actual send.',
        source: 'raw clock',
        resolution: '2 µs',
      })),
    );
    for (const sli of calls) sli.labels['source'] = 'load';
    const { all, id } = page(result);
    const shown = [
      ...all.filter((element) => attribute(element, 'class') === 'definition'),
      ...all.filter((element) => element.tagName === 'li'),
    ].map((element) => text(element));
    expect(text(id('startup'))).toContain(`Source: ${result.slis[0]?.source}; resolution: `);
    for (const { definition, source, resolution, ...one } of [...result.slis, ...result.figures]) {
      if ('count' in one && one.count === 0) continue;
      expect(resolution, one.id).not.toBe('');
      const whole = shown.filter((each) =>
        each.includes(`${definition} Source: ${source}; resolution: ${resolution}.`),
      );
      expect(whole, `${one.id}: ${definition} ${source} ${resolution}`).not.toEqual([]);
    }
    expect(text(id('api'))).toContain(
      'api-call-raw: From the actual send. Source: raw clock; resolution: 2 µs.',
    );
  });

  it('needs nothing from outside', () => {
    const { all, by } = page(sampleResult({ verdict: 'fail' }));
    for (const element of all) {
      for (const name of ['src', 'href', 'action', 'data', 'srcset', 'poster']) {
        expect(attribute(element, name) ?? '#').toMatch(/^#/);
      }
    }
    expect(by('link')).toEqual([]);
    const style = text(by('style')[0] as Element);
    expect(style).not.toContain('@import');
    expect(style.match(/url\((?!data:)/g)).toBeNull();
    expect(
      by('script')
        .map((script) => text(script))
        .join(''),
    ).not.toContain('sourceMappingURL');
  });

  it('allows only its own scripts, by their hashes', () => {
    const { by } = page(sampleResult({ hostileName }));
    const policy = by('meta')
      .map((meta) => attribute(meta, 'content'))
      .find((content) => content?.includes('script-src'));
    const scripts = by('script').filter((script) => attribute(script, 'type') === undefined);
    expect(scripts).toHaveLength(3);
    for (const script of scripts) {
      // The browser hashes what it parsed: this is the same only when nothing in the script ended it early.
      expect(policy).toContain(createHash('sha256').update(text(script)).digest('base64'));
      expect(text(script)).not.toMatch(/\beval\(|new Function\(/);
    }
    expect(policy).toContain("default-src 'none'");
    expect(policy?.split(';').find((rule) => rule.includes('script-src'))).not.toContain('unsafe');
  });

  it('keeps hostile names as text', () => {
    const result = sampleResult({ verdict: 'fail', hostileName });
    const { all, by, id } = page(result);
    expect(by('img')).toEqual([]);
    expect(all.flatMap((element) => element.attrs).filter((each) => each.name.startsWith('on'))).toEqual([]);
    expect(by('script')).toHaveLength(6);
    for (const where of [
      'failures',
      'startup',
      'phases',
      'api',
      'figures',
      'nodes',
      'workloads',
      'environment',
    ])
      expect(text(id(where))).toContain(hostileNameShown);
    expect(text(by('h1')[0] as Element)).toBe(hostileNameShown);
    expect(text(by('title')[0] as Element)).toContain(hostileNameShown);
    expect(renderHtml(result)).not.toContain('<img');
  });

  it('embeds the charts as JSON that reads back', () => {
    const result = sampleResult({ hostileName });
    const { by, id } = page(result);
    expect(JSON.parse(text(id('charts')))).toEqual(JSON.parse(JSON.stringify(chartsOf(result))));
    const places = by('canvas').map((canvas) => attribute(canvas, 'data-chart'));
    expect(places).toHaveLength(chartsOf(result).length);
    expect(new Set(places)).toEqual(new Set(chartsOf(result).map((spec) => spec.id)));
    for (const canvas of by('canvas')) expect(attribute(canvas, 'aria-label')?.length).toBeGreaterThan(20);
  });

  it('has ids that are unique and links that lead somewhere', () => {
    for (const result of [sampleResult({ verdict: 'fail' }), nothingMeasured()]) {
      const { all, by } = page(result);
      const ids = all.map((element) => attribute(element, 'id')).filter((id) => id !== undefined);
      expect(new Set(ids).size).toBe(ids.length);
      for (const link of by('a')) expect(ids).toContain(attribute(link, 'href')?.slice(1));
    }
  });

  it('says so where there is nothing to show', () => {
    const { by, id } = page(nothingMeasured());
    expect(by('canvas')).toEqual([]);
    for (const where of ['slos', 'startup', 'timeline', 'api', 'validity'])
      expect(text(id(where))).toMatch(/No (SLO|pod|API call|check) was|ended before/);
    expect(JSON.parse(text(id('charts')))).toEqual([]);
  });

  it('shows SLIs without samples as dashes, not as zeros', () => {
    const result = sampleResult({ pods: 0 });
    expect(text(page(result).id('startup'))).toContain('No pod was seen to start.');
    expect(text(page(result).id('slos'))).toContain('–');
  });

  it('holds a thousand kinds of API call, and folds their SLOs', () => {
    const { id, by } = page(sampleResult({ extraApiRows: 1000 }));
    expect(elements(id('api-table')).filter((element) => element.tagName === 'tr').length).toBeGreaterThan(
      1000,
    );
    expect(elements(id('slos')).filter((element) => element.tagName === 'tr').length).toBeLessThan(12);
    expect(by('canvas')).toHaveLength(16);
  });

  it('shows the windows of each SLI as spans, and the share of good ones', () => {
    const { id } = page(sampleResult({ verdict: 'fail' }));
    const slos = id('slos');
    expect(text(slos)).toContain('5 good, 2 bad, 1 undecided. 71.4 % of them were good.');
    const spans = elements(slos).filter((each) => attribute(each, 'title')?.includes(': bad'));
    // All SLOs together, and the two of pod startup.
    expect(spans).toHaveLength(3);
    expect(attribute(spans[1] as Element, 'title')).toMatch(/^0:08 – 0:23: bad, p99 up to /);
    expect(text(page(nothingMeasured()).id('slos'))).not.toContain('Window');
  });

  it('shows few spans of very many windows, and no bad one as good', () => {
    const result = sampleResult();
    const points = Array.from({ length: 3600 }, (_, index) => ({
      atMs: (index + 1) * 60_000,
      count: 200,
      value: 1,
      verdict:
        index % 40 === 20 ? ('bad' as const) : index % 2 === 0 ? ('good' as const) : ('undecided' as const),
    }));
    for (const sli of result.slis) if (sli.windows) sli.windows = { ...sli.windows, points };
    const spans = elements(page(result).id('slos')).filter((each) =>
      /: (good|bad|undecided)/.test(attribute(each, 'title') ?? ''),
    );
    expect(spans.length).toBeLessThan(1300);
    expect(spans.filter((each) => attribute(each, 'class') === 'bad').length).toBeGreaterThanOrEqual(3 * 90);
  });

  it('says what is left of a figure without the loop delay of the harness', () => {
    const result = sampleResult();
    expect(text(page(result).id('startup'))).toMatch(/≥ [\d.]+ (ms|s)/);
    for (const sli of result.slis) delete sli.lowerBound;
    expect(text(page(result).id('startup'))).not.toContain('≥');
  });

  it('shows what phases asked for and what came of calls', () => {
    const result = sampleResult();
    const { id } = page(result);
    expect(text(id('phases'))).toMatch(/create.*1,000.*40\/s.*39\.9\/s.*100 %.*900 µs/);
    const outcomes = text(id('outcomes-table'));
    expect(outcomes).toContain('429 × 3');
    expect(outcomes).toContain('no answer × 1');
    const totals = elements(id('api')).find((each) => text(each).startsWith('API calls by verb'));
    expect(totals).toBeDefined();
    for (const figure of result.figures) expect(text(id('figures'))).toContain(figure.definition);
  });

  it('has a filter for each table of calls', () => {
    const all = elements(page(sampleResult()).id('api'));
    const filters = all.filter((one) => attribute(one, 'data-search') !== undefined);
    expect(filters.map((one) => [attribute(one, 'data-search'), attribute(one, 'aria-label')])).toEqual([
      ['api-table', 'Filter calls, e.g. PATCH pods'],
      ['verb-table', 'Filter verbs'],
      ['resource-table', 'Filter resources'],
      ['outcomes-table', 'Filter outcomes, e.g. PATCH 429'],
    ]);
    const tables = all.filter((one) => one.tagName === 'table').map((one) => attribute(one, 'id'));
    expect(tables).toEqual(['api-table', 'verb-table', 'resource-table', 'outcomes-table']);
  });

  it('adds calls up by verb and by resource, as histograms', () => {
    const result = sampleResult();
    const tables = elements(page(result).id('api')).filter((each) => each.tagName === 'table');
    const byVerb = tables.find((each) => text(each).startsWith('API calls by verb')) as Element;
    const rows = elements(byVerb).filter((each) => each.tagName === 'tr' && text(each).startsWith('GET'));
    const gets = result.slis.filter((sli) => sli.id === 'api-call' && sli.labels['verb'] === 'GET');
    const count = gets.reduce((sum, sli) => sum + sli.count, 0);
    const most = Math.max(...gets.map((sli) => sli.max));
    const cells = elements(rows[0] as Element).filter((each) => each.tagName === 'td');
    expect(attribute(cells[0] as Element, 'data-sort')).toBe(String(count));
    expect(attribute(cells[3] as Element, 'data-sort')).toBe(String(most));
  });

  it('lists the nodes that one looks for first, and gives the script all of them', () => {
    const result = sampleResult({ nodes: 500, pods: 2000 });
    const { id } = page(result);
    const rows = elements(id('nodes-table')).filter((each) => each.tagName === 'tr');
    expect(rows).toHaveLength(51);
    expect(text(rows[1] as Element)).toContain('not-ready');
    const data = JSON.parse(text(id('inventory'))) as InventoryData;
    expect(data.nodes.name).toEqual(result.inventory.nodes.map((node) => node.name));
  });
});

describe('distributionsOf', () => {
  it('has every SLI with samples, with a curve to its largest and all of its samples in bins', () => {
    const result = sampleResult({ hostileName });
    const { perDecade, all } = distributionsOf(result);
    const slis = result.slis.filter((sli) => sli.count > 0);
    expect(all.map(({ name }) => name)).toEqual(slis.map((sli) => sliName(sli)));
    for (const [index, { values, bins, count }] of all.entries()) {
      expect(values.at(-1)).toBe(slis[index]?.max);
      expect(values.toSorted((a, b) => a - b)).toEqual(values);
      expect(bins.counts.reduce((sum, each) => sum + each, 0)).toBe(count);
      if (count >= 1000) expect(values[2 * perDecade]).toBe(slis[index]?.p99);
    }
  });

  it('has those with most samples where there are very many', () => {
    const { all } = distributionsOf(sampleResult({ extraApiRows: 1000 }));
    expect(all).toHaveLength(400);
    expect(all.some(({ name }) => name.startsWith('pod-startup-precise'))).toBe(true);
  });
});

describe('inventoryData', () => {
  const named = (data: InventoryData, pod: number): string => {
    const name = data.pods.name[pod] ?? '';
    if (name.startsWith('=')) return name.slice(1);
    return `${data.workloads.name[data.pods.workload[pod] ?? 0] ?? ''}${name}`;
  };

  it('holds every pod under its node, by a name that can be put together again', () => {
    for (const options of [{}, { hostileName }, { hostileName: '-x' }, { hostileName: '=' }]) {
      const { inventory } = sampleResult(options);
      const data = inventoryData(inventory);
      const names = inventory.nodes.flatMap((node) => node.kept.names);
      expect(data.pods.name.map((_, pod) => named(data, pod))).toEqual(names);
      expect(data.nodes.kept.reduce((sum, count) => sum + count, 0)).toBe(names.length);
      const states = inventory.nodes.flatMap((node) => node.kept.states);
      expect(data.pods.state.map((state) => data.states[state])).toEqual(states);
    }
  });

  it('is small: 1,000 nodes with 30,000 pods take a megabyte', () => {
    const { inventory } = sampleResult({ nodes: 1000, pods: 30_000 });
    expect(JSON.stringify(inventoryData(inventory)).length).toBeLessThan(1_200_000);
  });
});

describe('markup', () => {
  it('escapes every value, in text and in attributes', () => {
    const value = `<b a="1" b='2'>&`;
    expect(html`<p title="${value}">${value}${1}${undefined}${false}</p>`.markup).toBe(
      '<p title="&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;">&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;1</p>',
    );
    expect(html`<ul>${[html`<li>${'<'}</li>`, html`<li></li>`]}</ul>`.markup).toBe(
      '<ul><li>&lt;</li><li></li></ul>',
    );
  });

  it('replaces what HTML does not allow', () => {
    expect(escapeHtml('a\0b\u001b\u0085\uD800c\uFFFF\t\n😀')).toBe('a\uFFFDb\uFFFD\uFFFD\uFFFDc\uFFFD\t\n😀');
  });

  it('lets no name turn the direction of writing, and leaves names that are written from the right', () => {
    expect(escapeHtml('a\u202Egpj.exe\u202C\u2067b\u2069')).toBe('a\uFFFDgpj.exe\uFFFD\uFFFDb\uFFFD');
    expect(escapeHtml('\u05D0\u05D1\u200F')).toBe('\u05D0\u05D1\u200F');
  });

  it('writes JSON that cannot end a script and reads back', () => {
    const value = { name: hostileName, list: ['<!--', '</SCRIPT>', '\u2028'] };
    const { markup } = jsonForScript(value);
    expect(markup).not.toMatch(/[<>&\u2028]/);
    expect(JSON.parse(markup)).toEqual(value);
  });
});
