import { array, assert, constantFrom, integer, oneof, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvTable } from '../../../src/report/csv/csv-table.ts';
import { renderCsv } from '../../../src/report/csv/render-csv.ts';
import type { RunResult } from '../../../src/result/result.ts';
import { hostileName, sampleResult } from './sample-result.ts';

/** RFC 4180, strictly: CRLF behind every line, quotes only around whole cells. */
function readCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const match = cell.exec(text);
    if (match === null) throw new Error(`not a cell: ${JSON.stringify(text.slice(at, at + 60))}`);
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === ',') continue;
    rows.push(row);
    row = [];
  }
  expect(row).toEqual([]);
  return rows;
}

/** A table by its file's name, as records. */
function table(result: RunResult, name: string): Record<string, string>[] {
  const file = renderCsv(result).find((each) => each.name === name);
  const [header = [], ...rows] = readCsv(String(file?.content));
  return rows.map((row) => {
    expect(row).toHaveLength(header.length);
    return Object.fromEntries(header.map((column, index) => [column, row[index] ?? '']));
  });
}

describe('csvTable', () => {
  it('can be read back, and holds no text that a spreadsheet would calculate', () => {
    const text = oneof(
      string({ unit: 'binary' }),
      constantFrom('=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r\n=1', ' =1', '＝1', 'a,b', '"', '\n', ''),
    );
    const rows = array(array(oneof(text, integer(), constantFrom(null)), { minLength: 3, maxLength: 3 }));
    assert(
      property(rows, (given) => {
        const [, ...read] = readCsv(csvTable(['a', 'b', 'c'], given));
        expect(read).toHaveLength(given.length);
        for (const [index, row] of read.entries()) {
          for (const [column, value] of row.entries()) {
            const cell = given[index]?.[column];
            if (typeof cell === 'number') expect(value).toBe(String(cell));
            else {
              expect(value).not.toMatch(/^\s*[=+\-@＝＋－＠]/);
              const wanted = (cell ?? '').replaceAll('\0', '\uFFFD');
              expect([wanted, `'${wanted}`]).toContain(value);
            }
          }
        }
      }),
    );
  });

  it('quotes only what needs it', () => {
    expect(
      csvTable(
        ['a', 'b'],
        [
          ['x y', 'x,"y"'],
          [-1.5, null],
        ],
      ),
    ).toBe('a,b\r\nx y,"x,""y"""\r\n-1.5,\r\n');
    expect(csvTable(["=cmd|' /C calc'!A0"], [])).toBe("'=cmd|' /C calc'!A0\r\n");
  });
});

describe('renderCsv', () => {
  it('has a file for each table', () => {
    expect(renderCsv(sampleResult()).map(({ name }) => name)).toEqual([
      'slis.csv',
      'figures.csv',
      'timeline.csv',
      'calls.csv',
      'phases.csv',
      'slowest-pods.csv',
    ]);
  });

  it('has the figures of the result, under its own names', () => {
    const result = sampleResult();
    const slis = table(result, 'slis.csv');
    expect(slis).toHaveLength(result.slis.length);
    const [first] = result.slis;
    expect(slis[0]).toMatchObject({
      id: 'pod-startup',
      'labels.verb': '',
      unit: 'us',
      p99: String(first?.p99),
      'slo.threshold': '5000000',
      'slo.verdict': 'pass',
      definition: first?.definition,
    });
    const precise = result.slis.find((sli) => sli.id === 'pod-startup-precise');
    expect(slis.find((sli) => sli['id'] === 'pod-startup-precise')).toMatchObject({
      'lowerBound.p99': String(precise?.lowerBound?.p99),
      'windows.good': String(precise?.windows?.good),
    });
    const bounds = new Set(slis.filter((sli) => sli['firstBound'] !== '').map((sli) => sli['id']));
    expect([...bounds]).toEqual(['api-call-server']);
    expect(slis.find((sli) => sli['id'] === 'api-call-server')).toMatchObject({ firstBound: '50000' });
    const never = slis.find((sli) => sli['labels.resource'] === 'customthings.example.com');
    expect(never).toMatchObject({ count: '0', p50: '', max: '' });
    expect(table(result, 'figures.csv')).toContainEqual(
      expect.objectContaining({ id: 'etcd-database-size', value: '48234496' }),
    );
    expect(table(result, 'timeline.csv')[30]).toMatchObject({
      atMs: String(result.timeline[30]?.atMs),
      'cpuCores.etcd': String(result.timeline[30]?.cpuCores['etcd']),
    });
    expect(table(result, 'timeline.csv')[0]?.['podStartupP99Us']).toBe('');
    expect(table(result, 'calls.csv').map(({ status, count }) => [status, count])).toEqual([
      ['201', '1000'],
      ['429', '3'],
      ['none', '1'],
      ['200', '3000'],
      ['409', '7'],
    ]);
    expect(table(result, 'phases.csv')[1]).toMatchObject({ 'requests.achievedPerSecond': '39.9' });
    expect(table(result, 'slowest-pods.csv')[0]?.['phasesUs.sent to accepted']).toMatch(/^\d+$/);
  });

  it('holds hostile names as text', () => {
    const name = `=${hostileName}"\r\n`;
    const shown = `'${name}`.replaceAll('\0', '\uFFFD').replaceAll('\uD800', '\uFFFD');
    const result = sampleResult({ hostileName: name });
    expect(table(result, 'calls.csv')[0]?.['resource']).toBe(shown);
    expect(table(result, 'slowest-pods.csv')[0]).toMatchObject({ namespace: shown, node: shown });
  });

  it('has headers where nothing was measured', () => {
    const result = { ...sampleResult(), slis: [], figures: [], timeline: [], calls: [], slowestPods: [] };
    for (const { content } of renderCsv(result)) expect(readCsv(String(content)).length).toBeGreaterThan(0);
  });
});
