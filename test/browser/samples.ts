import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { renderHtml } from '../../src/report/html/render-html.ts';
import type { ReportFormat } from '../../src/report/write-report.ts';
import { writeReport } from '../../src/report/write-report.ts';
import type { RunResult } from '../../src/result/result.ts';
import { writeResult } from '../../src/result/write.ts';
import { type SampleOptions, sampleResult } from '../unit/report/sample-result.ts';

/** Each sets `owned` when the page takes it for more than text. */
export const hostileNames: Readonly<Record<string, string>> = {
  markup: '<script>owned=1</script><img src=x onerror="owned=1"><svg onload=owned=1>',
  'the end of a script': '</script><!--<script>owned=1</script>-->',
  quotes: `"'\` onmouseover="owned=1" style='background:url(//evil.invalid/x)' \${owned=1}`,
  'other directions': '\u202Egnp.\u2066exe\u2069 \u05D0\u05D1\u05D2 \u200F\u200E \u202C',
  'a link': 'javascript:owned=1//http://evil.invalid/',
  'an object': '__proto__',
  'the longest name': 'n'.repeat(253),
};

/** Keys whose values are words of ours, numbers as text, or what other fields refer to. */
const ownWords = new Set([
  'schema',
  'verdict',
  'outcome',
  'unit',
  'state',
  'states',
  'histogram',
  'startedAt',
  'finishedAt',
  'id',
]);

/** Ids that are words of ours are those of SLIs and the like; a run's may be anything. */
function isOwnWord(key: string, path: string): boolean {
  return ownWords.has(key) && !(key === 'id' && path === 'run');
}

/** Every text of a result that is not a word of ours followed by a name, and every key of its maps too. */
export function hostileResult(result: RunResult, name: string): RunResult {
  const changed = (value: unknown, key: string, path: string): unknown => {
    if (typeof value === 'string') return isOwnWord(key, path) ? value : `${value}${name}`;
    if (Array.isArray(value)) {
      return isOwnWord(key, path) ? value : value.map((each) => changed(each, key, path));
    }
    if (typeof value !== 'object' || value === null) return value;
    const isMap = maps.has(key);
    return Object.fromEntries(
      Object.entries(value).map(([field, each]) => [
        isMap ? `${field}${name}` : field,
        changed(each, field, key),
      ]),
    );
  };
  return changed(result, '', '') as RunResult;
}

/** Fields whose keys are not ours. */
const maps = new Set(['cpuCores', 'rssBytes', 'phasesUs', 'flags', 'statuses', 'parameters']);

/** A run of a day and more, a point a second. */
export function longResult(pointCount: number): RunResult {
  const result = sampleResult();
  const [point] = result.timeline;
  if (point === undefined) throw new Error('the sample has no timeline');
  const atEndMs = pointCount * 1000;
  return {
    ...result,
    run: {
      ...result.run,
      phases: [
        { name: 'steady', type: 'steady', startedAtMs: 0, finishedAtMs: atEndMs, outcome: 'completed' },
      ],
    },
    timeline: Array.from({ length: pointCount }, (_, index) => ({
      ...point,
      atMs: index * 1000,
      phase: 'steady',
      nodesReady: 100,
      podsCreated: index,
      podsStarted: Math.max(0, index - 3),
      requestsPerSecond: 38 + (index % 5),
      requestedPerSecond: 40,
      apiCallP99Us: index === 77_777 ? 9_000_000 : 10_000 + (index % 997) * 10,
    })),
  };
}

/** Writes a report as `run` does. @returns its address. */
export function writePage(dir: string, name: string, result: RunResult): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, `${name}.html`);
  writeFileSync(path, renderHtml(result));
  return pathToFileURL(path).href;
}

export type SampleRun = SampleOptions & {
  id: string;
  startedAt: string;
  scenario?: string;
  formats?: readonly ReportFormat[];
  change?: (result: RunResult) => RunResult;
};

/** The folder of a run as `run` leaves it. */
export async function writeRun(dir: string, options: SampleRun): Promise<RunResult> {
  const { id, startedAt, scenario = 'nightly', formats = ['html'], change, ...sample } = options;
  const made = sampleResult({ nodes: 20, pods: 300, ...sample });
  const finishedAt = new Date(Date.parse(startedAt) + 62_400).toISOString();
  // Of one scenario with one seed: what differs between nights is chance.
  const named = { ...made, run: { ...made.run, id, scenario, startedAt, finishedAt, seed: 'nightly' } };
  const result = change === undefined ? named : change(named);
  writeResult(dir, result);
  await writeReport(result, dir, formats);
  return result;
}
