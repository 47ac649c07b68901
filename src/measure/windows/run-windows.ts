import type { RunResult, Sli } from '../../result/result.ts';
import type { WindowSettings } from '../slo.ts';
import { JoinedPoints } from './joined-points.ts';
import { stepLine } from './log-lines.ts';
import type { OwnSeries } from './own-series.ts';
import type { WindowValue } from './sliding-window.ts';
import { WindowLog } from './window-log.ts';
import { WindowSet } from './window-set.ts';

export type RunWindowsOptions = {
  settings: WindowSettings;
  /** The run's folder of state. */
  dir: string | undefined;
  own: Pick<OwnSeries, 'drain'>;
};

/** What windows add to a result. */
export type JudgedWindows = { slis: Sli[]; windows: RunResult['windows']; notes: string[] };

const goodBit = 1;
const badBit = 2;

/**
 * The run as SLOs are defined: in steps of a minute, each of which ends a window of five. At a step's end the windows of
 * what this process measures are closed here, those of the components' metrics where these are read, a little later
 * ({@link add}). Both go to disk, and are read back when the run is over. The run's last step ends with it, and is half a step to one and a half long.
 */
export class RunWindows {
  private readonly settings: WindowSettings;
  private readonly own: Pick<OwnSeries, 'drain'>;
  private readonly set: WindowSet;
  private readonly log: WindowLog;
  /** Hears of windows as they are closed, as lines of the log; for live displays. */
  onLines: ((lines: string) => void) | undefined;
  private startUs = 0;
  private closedSteps = 0;
  /** Of the run, once it is over. */
  private lastStep: number | undefined;

  constructor({ settings, dir, own }: RunWindowsOptions) {
    this.settings = settings;
    this.own = own;
    this.set = new WindowSet('own', settings);
    this.log = new WindowLog(dir);
  }

  begin(nowUs: number): void {
    this.startUs = nowUs;
    // What came before does not count.
    this.own.drain();
  }

  /**
   * Closes the step that has ended, if one has: call it about once a second.
   * @returns its number; undefined when none has
   */
  sample(nowUs: number): number | undefined {
    const ended = Math.floor((nowUs - this.startUs) / 1000 / this.settings.stepMs);
    if (this.lastStep !== undefined || ended <= this.closedSteps) return undefined;
    this.close(ended, nowUs);
    return ended;
  }

  /**
   * The run is over. What is left of it is a step when it is half as long as one, or all there is; otherwise it belongs to
   * the step before, which is closed a second time: a second must not count as a minute.
   * @returns the number of the last step, whose own samples {@link finish} adds.
   */
  end(nowUs: number): number {
    this.sample(nowUs);
    const leftMs = this.atMs(nowUs) - this.closedSteps * this.settings.stepMs;
    const isStep = this.closedSteps === 0 || leftMs * 2 >= this.settings.stepMs;
    this.lastStep = this.closedSteps + (isStep ? 1 : 0);
    this.log.append(stepLine(this.lastStep, this.atMs(nowUs)));
    return this.lastStep;
  }

  /** Windows of others, as lines of a {@link WindowSet}. */
  add(lines: string): void {
    this.log.append(lines);
    this.onLines?.(lines);
  }

  /**
   * Closes the last step after {@link end}, and reads back what there is.
   * @param slis those with an SLO get their windows, and calls of the load where the server is judged, which count for nothing
   */
  async finish(slis: readonly Sli[]): Promise<JudgedWindows> {
    const steps = this.lastStep ?? this.closedSteps + 1;
    this.log.append(this.set.close(steps, this.own.drain()));
    const found = await this.read(slis);
    const { lengthMs, stepMs } = this.settings;
    const windows = { lengthMs, stepMs, good: 0, bad: 0, undecided: 0 };
    for (let step = 1; step <= steps; step++) {
      const bits = found.verdicts.get(step) ?? 0;
      if ((bits & badBit) !== 0) windows.bad++;
      else if ((bits & goodBit) !== 0) windows.good++;
      else windows.undecided++;
    }
    const { fault } = this.log;
    return {
      slis: slis.map((sli) => {
        const points = found.points.get(keyOf(sli));
        if (points === undefined || (sli.slo === undefined && points.isEmpty)) return sli;
        return { ...sli, windows: points.windows(steps) };
      }),
      windows,
      notes:
        fault === undefined
          ? []
          : [`Windows could not be kept (${fault}): those that are missing are undecided.`],
    };
  }

  /** Safe to call twice, and at any time. */
  stop(): void {
    this.log.close();
  }

  private close(step: number, nowUs: number): void {
    this.closedSteps = step;
    this.add(stepLine(step, this.atMs(nowUs)) + this.set.close(step, this.own.drain()));
  }

  private atMs(nowUs: number): number {
    return Math.round((nowUs - this.startUs) / 1000);
  }

  private async read(
    slis: readonly Sli[],
  ): Promise<{ points: Map<string, JoinedPoints>; verdicts: Map<number, number> }> {
    const kept = slis.filter((sli) => sli.slo !== undefined || isOfLoad(sli));
    const points = new Map(kept.map((sli) => [keyOf(sli), new JoinedPoints()]));
    const judged = new Set(kept.filter(({ slo }) => slo !== undefined).map((sli) => points.get(keyOf(sli))));
    const verdicts = new Map<number, number>();
    const atMs = new Map<number, number>();
    const series = new Map<string, JoinedPoints | undefined>();
    // The last one of each series: another of the same step, which is the run's last, takes its place.
    const open = new Map<string, { into: JoinedPoints; step: number; value: WindowValue }>();
    const settle = ({
      into,
      step,
      value,
    }: {
      into: JoinedPoints;
      step: number;
      value: WindowValue;
    }): void => {
      into.push({ atMs: atMs.get(step) ?? step * this.settings.stepMs, ...value });
      if (!judged.has(into)) return;
      const bit = { good: goodBit, bad: badBit, undecided: 0 }[value.verdict];
      verdicts.set(step, (verdicts.get(step) ?? 0) | bit);
    };
    for await (const line of this.log.lines()) {
      if ('at' in line) atMs.set(...line.at);
      else if ('series' in line) {
        const [name, id, labels] = line.series;
        series.set(name, points.get(keyOf({ id, labels })));
      } else {
        const [name, step, count, value, verdict] = line.point;
        const into = series.get(name);
        if (into === undefined) continue;
        const before = open.get(name);
        if (before !== undefined && before.step !== step) settle(before);
        open.set(name, { into, step, value: { count, value, verdict } });
      }
    }
    for (const last of open.values()) settle(last);
    return { points, verdicts };
  }
}

/** Its windows are made as long as it is not known whether the server tells its own; they stay, to be set beside those. */
function isOfLoad({ id, labels }: Sli): boolean {
  return id === 'api-call' && labels['source'] === 'load';
}

function keyOf({ id, labels }: Pick<Sli, 'id' | 'labels'>): string {
  return JSON.stringify([id, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
