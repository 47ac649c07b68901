import { createHash } from 'node:crypto';
import { type DefaultTreeAdapterTypes, parse } from 'parse5';
import { describe, expect, it } from 'vitest';
import { chartsOf } from '../../../src/report/charts/charts.ts';
import { renderHtml } from '../../../src/report/html/render-html.ts';
import { escapeHtml, html, jsonForScript } from '../../../src/report/html/markup.ts';
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

function page(result: RunResult): {
  all: Element[];
  by: (tag: string) => Element[];
  id: (id: string) => Element;
} {
  const all = elements(parse(renderHtml(result)));
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
    failures: [],
    notes: [],
    validity: { verdict: 'valid', checks: [] },
    resources: { harness: [], controlPlane: [] },
  };
}

describe('renderHtml', () => {
  it.each(verdicts)('shows the verdict, its sentence and the SLOs: %s', (verdict) => {
    const result = sampleResult({ verdict });
    const { by, id } = page(result);
    const body = by('body')[0] as Element;
    expect(text(body)).toContain(result.summary);
    expect(text(id('slos'))).toContain('pod-startup');
    for (const sli of result.slis.filter((each) => each.id.startsWith('pod-startup'))) {
      expect(text(id('startup'))).toContain(sli.definition);
      expect(text(id('startup'))).toContain(sli.source);
    }
    for (const check of result.validity.checks) expect(text(id('validity'))).toContain(check.message);
    for (const note of result.notes) expect(text(body)).toContain(note);
    expect(text(id('environment'))).toContain('--unsafe-no-fsync');
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
    expect(by('script')).toHaveLength(4);
    for (const where of ['failures', 'startup', 'phases', 'api', 'environment'])
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
    expect(by('canvas')).toHaveLength(9);
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

  it('writes JSON that cannot end a script and reads back', () => {
    const value = { name: hostileName, list: ['<!--', '</SCRIPT>', '\u2028'] };
    const { markup } = jsonForScript(value);
    expect(markup).not.toMatch(/[<>&\u2028]/);
    expect(JSON.parse(markup)).toEqual(value);
  });
});
