import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JudgedGate } from '../../../src/report/judged-gate.ts';
import { artifactLinks } from '../../../src/report/markdown/artifact-links.ts';
import { escapeMarkdown } from '../../../src/report/markdown/escape-markdown.ts';
import { renderMarkdown } from '../../../src/report/markdown/render-markdown.ts';
import { hostileName, sampleResult } from './sample-result.ts';

/** What a renderer shows of escaped text: backslashes gone, entities as characters, joiners invisible. */
function shown(markdown: string): string {
  return markdown
    .replaceAll(/\\([!-/:-@[-`{-~])/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replaceAll('\u2060', '');
}

describe('escapeMarkdown', () => {
  it.each([
    ['a|b', 'a\\|b'],
    ['<img src=x>', '&lt;img src=x&gt;'],
    ['[x](javascript:0)', '\\[x\\](javascript:0)'],
    ['**bold** `code`', '\\*\\*bold\\*\\* \\`code\\`'],
    ['- item', '\\- item'],
    ['1. item', '1\\. item'],
    ['   # title', '\\# title'],
    ['two\nlines', 'two\uFFFDlines'],
    ['@team', '@\u2060team'],
    ['see https://x.example and www.x.example', 'see https:\u2060//x.example and www.\u2060x.example'],
    ['pods/status: 1.5 s (resource)', 'pods/status: 1.5 s (resource)'],
  ])('%j is shown as it is', (text, escaped) => {
    expect(escapeMarkdown(text)).toBe(escaped);
  });

  it('leaves no markup, and the text as it was', () => {
    assert(
      property(string({ unit: 'grapheme-ascii' }), (text) => {
        const escaped = escapeMarkdown(text);
        expect(shown(escaped)).toBe(text.trim());
        expect(escaped.replaceAll(/\\./g, 'x')).not.toMatch(/[<>|`*_[\]#~$\n\\]|^[-+]|^\d{1,9}\./);
      }),
    );
  });
});

describe('renderMarkdown', () => {
  it('says verdict, sentence and SLOs, misses first', () => {
    const text = renderMarkdown(sampleResult({ verdict: 'fail' }));
    const lines = text.split('\n');
    expect(lines[0]).toBe('## ❌ quickstart: fail');
    expect(lines[2]).toBe('Pod startup missed its SLO: the p99 was 7.9 s, the threshold is 5 s.');
    const [header, , first, second] = lines.slice(4);
    expect(header).toBe('| SLO | quantile | value | threshold | used | samples |');
    expect(first).toMatch(
      /^\| ❌ pod-startup(?:-precise)? \| p99 \| 1\d(?:\.\d)? s \| 5 s \| \d+ % \| 1,000 \|$/,
    );
    expect(second).toMatch(/^\| ❌ /);
    expect(text).toContain('- ❌ load/create: POST pods in density-1: 429 Too Many Requests');
    expect(text).toContain('100 of 100 nodes ready · 1,000 of 1,000 pods started · 1 min 2 s');
  });

  it('stays short', () => {
    const result = sampleResult({ extraApiRows: 300, verdict: 'invalid' });
    result.notes = Array.from({ length: 100 }, (_, index) => `note ${index}`);
    const text = renderMarkdown(result);
    expect(text.split('\n').length).toBeLessThan(60);
    expect(text).toContain('And 307 more in the report.');
    expect(text).toContain('- and 95 more');
    // Each id is there, however far it is from its threshold.
    expect(text).toContain('| ✅ pod-startup |');
    expect(text).toContain('- ⚠️ loop-delay-observer: The observer was blocked');
  });

  it('keeps its shape whatever the names are', () => {
    const result = sampleResult({ hostileName: `${hostileName} | x |\n\n# owned @all https://evil.example` });
    const text = renderMarkdown(result, artifactLinks(['report.html'], 'https://ci.example/a b/<x>/'));
    expect(text).not.toMatch(/<(?!https:)/);
    expect(text.match(/^#.*$/gm)).toHaveLength(1);
    const rows = text.split('\n').filter((line) => line.startsWith('| '));
    for (const row of rows) expect(row.replaceAll('\\|', '').split('|')).toHaveLength(8);
    expect(text).toContain('[report.html](<https://ci.example/a%20b/%3Cx%3E/report.html>)');
    expect(text).not.toContain('@all');
    expect(text).not.toContain('https://evil.example');
  });

  it('says what a gate found, whatever the names are, and only changes one by one', () => {
    const figures = { baseline: '40 ms', now: '50 ms', change: '+25 % (+20 % to +30 %)', couldShow: '+9 %' };
    const gate: JudgedGate = {
      verdict: 'worse',
      summary: '1 run against 6 runs of the baseline: 1 same, 1 worse.',
      cases: [
        { name: 'p99 steady', verdict: 'same', message: 'as before', figures },
        { name: 'p50 quick', verdict: 'better', message: 'faster', figures: null },
        {
          name: `p99 ${hostileName} | x`,
          verdict: 'worse',
          message: 'slower',
          figures: { ...figures, now: `@all ${hostileName}` },
        },
      ],
      remarks: [],
      document: '{}',
    };
    const text = renderMarkdown(sampleResult(), [], gate);
    expect(text).toMatch(/^## ❌ quickstart: pass, worse than the baseline\n/);
    expect(text).toContain('\n**Gate: worse.** 1 run against 6 runs of the baseline: 1 same, 1 worse.\n');
    const rows = text.split('\n').filter((line) => line.startsWith('| ❌'));
    expect(rows).toHaveLength(1);
    expect(rows[0]?.replaceAll('\\|', '').split('|')).toHaveLength(8);
    expect(rows[0]).toMatch(/ \| \\\+25 % \(\+20 % to \+30 %\) \| \\\+9 % \|$/);
    expect(text).toContain('\n| ✅ p50 quick | better | – | – | – | – |');
    expect(text).not.toMatch(/<img|@all|steady/);
    const same = renderMarkdown(sampleResult(), [], {
      ...gate,
      verdict: 'same',
      cases: gate.cases.slice(0, 1),
    });
    expect(same).toMatch(/^## ✅ quickstart: pass\n/);
    expect(same).toContain('**Gate: same.**');
  });

  it('says so when nothing was judged', () => {
    expect(renderMarkdown({ ...sampleResult(), slis: [] })).toContain('No SLO was judged.');
  });

  it('shows what was not decided where a run is inconclusive by it', () => {
    const text = renderMarkdown(sampleResult({ verdict: 'inconclusive' }));
    expect(text).toContain('## ❔ quickstart: inconclusive');
    expect(text).toMatch(/\n\| ❔ pod-startup \| p99 \| [^|]+ \| 5 s \| [^|]+ \| 40 \|\n/);
  });
});

describe('artifactLinks', () => {
  it.each([
    [undefined, [{ text: 'report.html', address: 'report.html' }]],
    ['https://ci.example/1/', [{ text: 'report.html', address: 'https://ci.example/1/report.html' }]],
    [
      'https://ci.example/1#artifacts',
      [{ text: 'Artefacts of this run', address: 'https://ci.example/1#artifacts' }],
    ],
  ])('from %s', (url, links) => {
    expect(artifactLinks(['report.html'], url)).toEqual(links);
  });
});
