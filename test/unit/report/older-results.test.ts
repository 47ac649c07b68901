import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { packageRoot } from '../../../src/base/package-info.ts';
import { gateRunOf } from '../../../src/gate/gate-run.ts';
import { renderSummary } from '../../../src/report/terminal/summary.ts';
import { reportFormats, writeReport } from '../../../src/report/write-report.ts';
import { readResult } from '../../../src/result/read.ts';

// The charts take a second, on a busy machine more.
vi.setConfig({ testTimeout: 60_000 });

/** A run of 100 nodes as it was written in November 2026, before figures, windows, grids and inventory; only folders have other names. */
const file = join(packageRoot, 'test/fixtures/result-v1.json');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hollowmark-older-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a result that version 1 wrote', () => {
  const written = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown> & {
    slis: Record<string, unknown>[];
  };

  it('is read with all that it tells, and what it does not is empty', () => {
    expect(written['schema']).toBe('hollowmark.result/v1');
    const { slis, figures, calls, windows, latencyGrids, inventory, schema, ...rest } = readResult(file);
    const { slis: _, schema: __, ...before } = written;
    expect(rest).toEqual(before);
    expect(slis).toEqual(written.slis.map((sli) => ({ ...sli, resolution: '' })));
    expect({ schema, figures, calls, latencyGrids }).toEqual({
      schema: 'hollowmark.result/v2',
      figures: [],
      calls: [],
      latencyGrids: [],
    });
    expect(windows).toMatchObject({ good: 0, bad: 0, undecided: 0 });
    expect(inventory).toEqual({ nodes: [], nodesOmitted: 0, workloads: [] });
  });

  it('is told in every format, with its own figures', async () => {
    const result = readResult(file);
    const { files, warnings } = await writeReport(result, folder, reportFormats);
    expect(warnings).toEqual([]);
    const text = (name: string): string => readFileSync(join(folder, name), 'utf8');
    const summary =
      'All SLOs were met: 99 % of 110 pods started within 1.98 s, and the slowest judged kind of API call took 384 ms at p99.';
    for (const name of ['report.html', 'summary.md']) expect(text(name)).toContain(summary);
    expect(text('junit.xml')).toMatch(/<testsuites name="hollowmark: quickstart" tests="\d+" failures="0"/);
    expect(text('openmetrics.txt')).toMatch(/pod_startup/);
    const count = (start: string): number =>
      files.filter((path) => path.startsWith(join(folder, start))).length;
    for (const start of ['charts/', 'csv/', 'hgrm/', 'perfdash/'])
      expect(count(start), start).toBeGreaterThan(0);
    const finished = JSON.parse(readFileSync(join(files.at(-1) ?? '', 'finished.json'), 'utf8')) as unknown;
    expect(finished).toMatchObject({ passed: true, result: 'SUCCESS' });
    for (const name of ['report.html', 'summary.md', 'junit.xml', 'openmetrics.txt']) {
      const shown = text(name).replaceAll(/<(script|style)[\s>][\s\S]*?<\/\1>/g, '');
      expect(/undefined|NaN|\[object Object\]/.exec(shown)?.[0], name).toBeUndefined();
    }
  });

  it('is told in a terminal, and can be judged', () => {
    const result = readResult(file);
    const lines = renderSummary(result, { color: false, columns: 100, timeZone: 'UTC' });
    expect(lines).toContain('110 pods started within 1.98 s');
    const { verdict, unusable, slis } = gateRunOf(result);
    expect({ verdict, unusable }).toEqual({ verdict: 'pass', unusable: null });
    expect(
      slis.find(({ id, labels }) => id === 'pod-startup-precise' && labels['kind'] === 'latency')?.count,
    ).toBe(110);
  });
});
