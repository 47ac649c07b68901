import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/package-info.ts';
import { readResult } from '../../src/result/read.ts';

const folder = join(packageRoot, 'reports/reference');
const sizeMax = 3_000_000;

describe('the reference report', () => {
  it('is of a valid run of 1,000 nodes that passed, and small', () => {
    const names = ['report.html', 'result.json.gz'];
    expect(readdirSync(folder).filter((name) => names.includes(name))).toEqual(names);
    const bytes = names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    expect(bytes).toBeLessThan(sizeMax);

    const dir = mkdtempSync(join(tmpdir(), 'hollowmark-reference-'));
    try {
      writeFileSync(join(dir, 'result.json'), gunzipSync(readFileSync(join(folder, 'result.json.gz'))));
      const { run, nodes, pods, verdict, summary } = readResult(dir);
      expect(run.scenario).toBe('density');
      expect(nodes).toMatchObject({ ready: 1000 });
      expect(pods).toMatchObject({ started: 10_500, failed: 0 });
      expect(verdict).toBe('pass');
      const page = readFileSync(join(folder, 'report.html'), 'utf8');
      expect(page).toContain(run.id);
      expect(page).toContain(summary.slice(0, 40));
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
