import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import { tool } from '../../base/package-info.ts';
import type { GateVerdict } from '../../gate/compare.ts';
import { gateFileName, readOutcome } from '../../gate/read-outcome.ts';
import { writeFileAtomically } from '../../result/atomic-file.ts';
import { parseResult } from '../../result/read.ts';
import { resultFileName } from '../../result/result.ts';
import { type FoundResult, findResults } from './find-results.ts';
import { removeOrphans } from './orphans.ts';
import { type RunEntry, type Series, SeriesTable, entryOf } from './run-entry.ts';

/** Pages that are opened within this time are shown the same folder. */
const freshForUs = 2_000_000;

/** A result of 5,000 nodes over a day stays under 50 MB. */
const resultBytesMax = 200_000_000;

const cacheSchema = 'hollowmark.history/v1';

/** Runs appear on the pages in parts, while there are others to be read. */
const publishEvery = 50;

/** A result file as it was when it was read: what became of it, or why nothing did; both where the gate's file is damaged. */
type Known = FoundResult & { run?: RunEntry; fault?: string };

type Cache = { schema: typeof cacheSchema; tool: string; root: string; series: Series[]; files: Known[] };

export type RunIndexOptions = {
  /** The folder of all runs, absolute. */
  root: string;
  /** Where the index is kept between starts; absent: nowhere. */
  cachePath?: string | undefined;
  clock: Clock;
};

/**
 * The runs below a folder. A result is read once, and again when its size or its time is another, or that of a gate's file; what was read lies in
 * a cache file of a few kilobytes a run. Results that are new are read one by one between requests, so that a page is
 * there at once and says how many are still to come.
 */
export class RunIndex {
  /** Newest first. */
  runs: readonly RunEntry[] = [];
  /** Files that are called like a result and are none that can be read. */
  faults: readonly { folder: string; fault: string }[] = [];
  /** Results that are still to be read. */
  pendingCount = 0;
  /** There are more folders than are looked at. */
  isCut = false;
  /** Results that were read since the start, whatever came of it. */
  readCount = 0;
  private readonly options: RunIndexOptions;
  private table = new SeriesTable();
  private known = new Map<string, Known>();
  private looking: Promise<void> | undefined;
  private reading: Promise<void> | undefined;
  private lookedUs = Number.NEGATIVE_INFINITY;
  private stopped = false;

  constructor(options: RunIndexOptions) {
    this.options = options;
    this.restore();
  }

  get series(): readonly Series[] {
    return this.table.all;
  }

  get root(): string {
    return this.options.root;
  }

  /** Looks what is there now, and begins to read what is new. Cheap when it has just been done. */
  refresh(): Promise<void> {
    if (this.options.clock.nowUs() - this.lookedUs < freshForUs) return Promise.resolve();
    this.looking ??= this.look().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  /** All that was found has been read. */
  async settled(): Promise<void> {
    await this.looking;
    await this.reading;
  }

  /** Reads nothing more than the result that it is at; when it resolves, what has been read is in the cache. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.reading;
  }

  private async look(): Promise<void> {
    // Two at a time would read everything twice.
    if (this.reading !== undefined) return;
    const { found, isCut } = await findResults(this.options.root);
    this.lookedUs = this.options.clock.nowUs();
    this.isCut = isCut;
    const before = this.known;
    this.known = new Map();
    const fresh: FoundResult[] = [];
    for (const file of found) {
      const known = before.get(file.folder);
      if (known !== undefined && isSame(known, file)) this.known.set(file.folder, known);
      else fresh.push(file);
    }
    this.publish();
    if (fresh.length === 0 && this.known.size === before.size) return;
    this.pendingCount = fresh.length;
    this.reading = this.readAll(fresh).finally(() => {
      this.reading = undefined;
    });
  }

  private async readAll(fresh: readonly FoundResult[]): Promise<void> {
    for (const file of fresh) {
      if (this.stopped) break;
      this.known.set(file.folder, await this.read(file));
      this.readCount++;
      this.pendingCount--;
      if (this.readCount % publishEvery === 0) this.publish();
    }
    this.publish();
    await this.keep();
  }

  private async read(file: FoundResult): Promise<Known> {
    const { folder, sizeBytes } = file;
    if (sizeBytes > resultBytesMax) return { ...file, fault: 'larger than any result' };
    try {
      const text = await readFile(join(this.options.root, folder, resultFileName), 'utf8');
      const run = entryOf(parseResult(text, resultFileName), folder, this.table);
      return { ...file, ...this.withGate(run, file) };
    } catch (error) {
      return { ...file, fault: faultText(error) };
    }
  }

  private withGate(run: RunEntry, { folder, gateMtimeMs }: FoundResult): Pick<Known, 'run' | 'fault'> {
    if (gateMtimeMs === undefined) return { run };
    try {
      const gate = gateVerdictOf(join(this.options.root, folder), run.id);
      return gate === undefined ? { run } : { run: { ...run, gate } };
    } catch (error) {
      // The run itself can be read: it is listed, and so is that a regression may go unsaid.
      return { run, fault: faultText(error) };
    }
  }

  private publish(): void {
    const files = [...this.known.values()];
    this.runs = files
      .flatMap(({ run }) => (run === undefined ? [] : [run]))
      .toSorted(
        (a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt) || (a.folder < b.folder ? -1 : 1),
      );
    this.faults = files.flatMap(({ folder, fault }) => (fault === undefined ? [] : [{ folder, fault }]));
  }

  private restore(): void {
    const { cachePath, root } = this.options;
    if (cachePath === undefined) return;
    try {
      const cache = JSON.parse(readFileSync(cachePath, 'utf8')) as Partial<Cache>;
      if (cache.schema !== cacheSchema || cache.tool !== tool.version || cache.root !== root) return;
      this.table = new SeriesTable(cache.series);
      this.known = new Map(cache.files?.map((file) => [file.folder, file]));
      this.publish();
    } catch {
      // There is none, or it was cut off: the results are read again.
      this.table = new SeriesTable();
      this.known = new Map();
    }
  }

  private async keep(): Promise<void> {
    const { cachePath, root } = this.options;
    if (cachePath === undefined) return;
    const cache: Cache = {
      schema: cacheSchema,
      tool: tool.version,
      root,
      series: this.table.all,
      files: [...this.known.values()],
    };
    try {
      writeFileAtomically(cachePath, JSON.stringify(cache));
    } catch {
      // A cache that cannot be written costs the next start some time, and nothing else.
    }
    await removeOrphans(cachePath);
  }
}

const faultText = (error: unknown): string => errorMessage(error).slice(0, 300);

function isSame(known: FoundResult, { mtimeMs, sizeBytes, gateMtimeMs }: FoundResult): boolean {
  return known.mtimeMs === mtimeMs && known.sizeBytes === sizeBytes && known.gateMtimeMs === gateMtimeMs;
}

/** What a gate has said of a run; undefined where it judged others. @throws HollowmarkError of a file that is damaged. */
function gateVerdictOf(folder: string, runId: string): GateVerdict | undefined {
  const { verdict, candidate } = readOutcome(join(folder, gateFileName)).outcome;
  return candidate.some(({ id }) => id === runId) ? verdict : undefined;
}
