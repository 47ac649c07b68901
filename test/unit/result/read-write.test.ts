import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HollowmarkError } from '../../../src/base/errors.ts';
import { parseResult, readResult } from '../../../src/result/read.ts';
import type { RunResult } from '../../../src/result/result.ts';
import { serialiseResult, writeResult } from '../../../src/result/write.ts';
import { hostileName, sampleResult } from '../report/sample-result.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hollowmark-result-'));
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

function faultOf(run: () => unknown): HollowmarkError {
  try {
    run();
  } catch (error) {
    if (error instanceof HollowmarkError) return error;
    throw error;
  }
  throw new Error('expected a HollowmarkError');
}

function badFile(content: string | Uint8Array): HollowmarkError {
  const path = join(folder, 'result.json');
  writeFileSync(path, content);
  const error = faultOf(() => readResult(path));
  expect(error.code).toBe('bad-input');
  expect(error.message).toContain(path);
  expect(error.hint).toBeTruthy();
  return error;
}

function changed(change: (result: Record<string, unknown> & RunResult) => void): HollowmarkError {
  const result = sampleResult() as Record<string, unknown> & RunResult;
  change(result);
  return badFile(JSON.stringify(result));
}

describe('writeResult and readResult', () => {
  it('read what version 1 wrote; what it did not tell is empty', () => {
    const {
      figures: _,
      calls: __,
      windows: ___,
      latencyGrids: _a,
      inventory: _b,
      slis,
      ...rest
    } = sampleResult();
    const old = {
      ...rest,
      schema: 'hollowmark.result/v1',
      slis: slis.map(({ resolution: ____, ...sli }) => sli),
    };
    expect(parseResult(JSON.stringify(old), 'old')).toEqual({
      ...sampleResult(),
      slis: slis.map((sli) => ({ ...sli, resolution: '' })),
      figures: [],
      calls: [],
      windows: { lengthMs: 0, stepMs: 0, good: 0, bad: 0, undecided: 0 },
      latencyGrids: [],
      inventory: { nodes: [], nodesOmitted: 0, workloads: [] },
    });
    expect(faultOf(() => parseResult('{"schema": "hollowmark.result/v1", "slis": 3}', 'old')).code).toBe(
      'bad-input',
    );
  });

  it('give back what was written', () => {
    const result = sampleResult({ verdict: 'fail', hostileName });
    // A lone surrogate has no UTF-8 form; JSON writes it as an escape, so even that comes back.
    const path = writeResult(join(folder, 'deep', 'run'), result);
    expect(readResult(path)).toEqual(result);
  });

  it('leave only the file, and replace an older one', () => {
    writeResult(folder, sampleResult({ seed: 'one' }));
    writeResult(folder, sampleResult({ seed: 'two' }));
    expect(readdirSync(folder)).toEqual(['result.json']);
    expect(readResult(join(folder, 'result.json')).run.seed).toBe('two');
  });

  it('write the same text whatever the order in which the result was put together', () => {
    const result = sampleResult();
    const reversed = Object.fromEntries(Object.entries(result).toReversed()) as RunResult;
    reversed.run = Object.fromEntries(Object.entries(result.run).toReversed()) as RunResult['run'];
    expect(serialiseResult(reversed)).toBe(serialiseResult(result));
    expect(Object.keys(JSON.parse(serialiseResult(reversed)) as object)[0]).toBe('schema');
  });

  it('give each node and each workload one line, and all else as JSON is usually indented', () => {
    const { inventory, latencyGrids, ...rest } = sampleResult();
    const text = serialiseResult({ ...rest, latencyGrids, inventory });
    const lines = text.split('\n').map((line) => line.trim().replace(/,$/, ''));
    for (const record of [
      ...inventory.nodes,
      ...inventory.workloads,
      ...latencyGrids.flatMap((grid) => grid.columns),
    ]) {
      expect(lines).toContain(JSON.stringify(record));
    }
    const empty = { ...rest, latencyGrids: [], inventory: { nodes: [], nodesOmitted: 0, workloads: [] } };
    const usual = JSON.parse(serialiseResult(empty)) as RunResult;
    expect(serialiseResult(empty)).toBe(`${JSON.stringify(usual, null, 2)}\n`);
  });

  it('keep the order of maps whose order means something', () => {
    const text = serialiseResult(sampleResult());
    const phases = Object.keys(parseResult(text, 'here').slowestPods[0]?.phasesUs ?? {});
    expect(phases[0]).toBe('sent to accepted');
  });

  it('write a result that does not fit the schema, and say so', () => {
    const result = sampleResult();
    result.pods.started = Number.NaN;
    const error = faultOf(() => writeResult(folder, result));
    expect(error.code).toBe('internal');
    expect(error.message).toContain('$.pods.started');
    expect(readFileSync(join(folder, 'result.json'), 'utf8')).toContain('"started": null');
  });

  it.runIf(existsSync('/proc/self'))('give up where no folder can be made', () => {
    expect(faultOf(() => writeResult('/proc/hollowmark/run', sampleResult())).message).toContain(
      '/proc/hollowmark',
    );
  });

  it('name the path and a way out when the folder cannot be written', () => {
    writeFileSync(join(folder, 'file'), '');
    const error = faultOf(() => writeResult(join(folder, 'file', 'run'), sampleResult()));
    expect(error).toMatchObject({ code: 'bad-input' });
    expect(error.message).toContain(join(folder, 'file', 'run', 'result.json'));
    expect(error.hint).toContain('--out');
  });
});

describe('readResult refuses', () => {
  it('a file that is missing', () => {
    const error = faultOf(() => readResult(join(folder, 'none.json')));
    expect(error).toMatchObject({ code: 'bad-input' });
    expect(error.message).toContain('none.json');
  });

  it('a folder without one, and names the file that it lacks', () => {
    const error = faultOf(() => readResult(folder));
    expect(error.message).toBe(`${join(folder, 'result.json')}: there is no such file`);
  });

  it('an empty file', () => {
    expect(badFile('').message).toContain('empty');
  });

  it('bytes that are not text', () => {
    expect(badFile(new Uint8Array([0x1f, 0x8b, 0x08, 0xff])).message).toContain('UTF-8');
  });

  it('text that is not JSON, and a file that was cut off', () => {
    expect(badFile('nodes: 100').message).toContain('not JSON');
    expect(badFile(serialiseResult(sampleResult()).slice(0, 5000)).message).toContain('not JSON');
  });

  it('JSON of another kind', () => {
    for (const text of [
      'null',
      '[]',
      '"x"',
      '7',
      '{}',
      '{"schema": 1}',
      '{"version":"1.0","dataItems":[]}',
    ]) {
      expect(badFile(text).message).toContain('not a Hollowmark result');
    }
  });

  it('another version of the schema', () => {
    const error = changed((result) => {
      (result as { schema: string }).schema = 'hollowmark.result/v9';
    });
    expect(error.message).toContain('hollowmark.result/v9');
    expect(error.hint).toContain('version');
  });

  it('a missing key, an unknown key, a wrong type and a wrong unit, each with its place', () => {
    expect(changed((result) => Reflect.deleteProperty(result, 'timeline')).message).toContain('timeline');
    expect(changed((result) => Object.assign(result.nodes, { extra: 1 })).message).toMatch(
      /\$\.nodes .*"extra"/,
    );
    expect(changed((result) => Object.assign(result.slis[2] ?? {}, { p99: 'fast' })).message).toContain(
      '$.slis[2].p99',
    );
    expect(changed((result) => Object.assign(result.slis[0] ?? {}, { unit: 'ms' })).message).toMatch(
      /unit must be one of us/,
    );
  });

  it('a histogram that does not decode', () => {
    const error = changed((result) => Object.assign(result.slis[1] ?? {}, { histogram: 'AAAA' }));
    expect(error.message).toContain('$.slis[1].histogram (pod-startup-precise)');
  });

  it('a histogram that was cut off or swapped', () => {
    const cut = changed((result) => {
      const sli = result.slis[0];
      if (sli !== undefined) sli.histogram = sli.histogram.slice(0, 120);
    });
    expect(cut.message).toContain('$.slis[0].histogram');
    const swapped = changed((result) => Object.assign(result.slis[0] ?? {}, { count: 7 }));
    expect(swapped.message).toContain('count says 7');
  });
});
