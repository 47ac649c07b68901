import type { Figure } from '../../result/result.ts';
import type { PrometheusSample } from '../prometheus.ts';
import type { NumberSpec } from './spec.ts';

type Series = {
  labels: Record<string, string>;
  last: number;
  lastPer: number;
  increase: number;
  increasePer: number;
  busiest: number;
  largest: number;
};

/** Since the reading before; 0 for the first. */
export type ReadingTime = { how: 'first' | 'next' | 'restarted'; seconds: number };

/** One counter or gauge of a component over the readings. */
export class NumberReadings {
  private readonly spec: NumberSpec;
  private readonly everySeconds: number;
  private readonly series = new Map<string, Series>();

  /** @param everySeconds from one reading to the next */
  constructor(spec: NumberSpec, everySeconds: number) {
    this.spec = spec;
    this.everySeconds = everySeconds;
  }

  get sampleNames(): string[] {
    const { family, per } = this.spec;
    return per === undefined ? [family] : [family, per];
  }

  /** @param samplesOf the samples of a name, as read. */
  read(samplesOf: (name: string) => readonly PrometheusSample[], { how, seconds }: ReadingTime): void {
    const { family, per } = this.spec;
    // A series that this process has not told yet begins at nothing when it comes.
    if (how !== 'next') for (const series of this.series.values()) series.last = series.lastPer = 0;
    const divisors = per === undefined ? undefined : this.sums(samplesOf(per));
    for (const [key, { labels, value }] of this.sums(samplesOf(family))) {
      let series = this.series.get(key);
      if (series === undefined) {
        series = { labels, last: 0, lastPer: 0, increase: 0, increasePer: 0, busiest: 0, largest: 0 };
        this.series.set(key, series);
      }
      const divisor = divisors?.get(key)?.value ?? 0;
      if (how !== 'first') {
        const increase = since(series.last, value);
        series.increase += increase;
        series.increasePer += since(series.lastPer, divisor);
        if (seconds >= this.busiestSecondsMin) series.busiest = Math.max(series.busiest, increase / seconds);
      }
      series.largest = Math.max(series.largest, value);
      series.last = value;
      series.lastPer = divisor;
    }
  }

  /**
   * @param source where they come from, behind the family's name
   * @param seconds from the first reading to the last
   */
  tell(source: string, seconds: number): Figure[] {
    const { id, unit, definition, factor = 1, family, always } = this.spec;
    const { resolution } = this;
    const figures: Figure[] = [];
    for (const series of this.series.values()) {
      const value = this.valueOf(series, seconds);
      if (value === undefined) continue;
      figures.push({
        id,
        labels: series.labels,
        unit,
        definition,
        source: `${family}${source}`,
        resolution,
        value: Number((value * factor).toPrecision(6)),
      });
    }
    if (always === true && figures.length === 0) {
      figures.push({ id, labels: {}, unit, definition, source: `${family}${source}`, resolution, value: 0 });
    }
    return figures;
  }

  /** Between two readings that are closer, one burst would be the most. The last one comes when the run ends. */
  private get busiestSecondsMin(): number {
    return this.everySeconds / 2;
  }

  private get tellsZero(): boolean {
    return this.spec.always === true || this.spec.alsoZero === true;
  }

  private get resolution(): string {
    const { kind } = this.spec;
    const every = `one reading every ${this.everySeconds} s`;
    if (kind === 'largest') return every;
    if (kind === 'busiest')
      return `${every}; not between two that are less than ${this.busiestSecondsMin} s apart`;
    return 'from the first reading to the last';
  }

  /** Undefined where nothing happened. */
  private valueOf(series: Series, seconds: number): number | undefined {
    const { increase, increasePer, busiest, largest } = series;
    switch (this.spec.kind) {
      case 'largest':
        return largest;
      case 'increase':
        return increase === 0 && !this.tellsZero ? undefined : increase;
      case 'rate':
        return increase === 0 || seconds <= 0 ? undefined : increase / seconds;
      case 'busiest':
        return busiest === 0 ? undefined : busiest;
      case 'ratio':
        return increasePer === 0 ? undefined : increase / increasePer;
    }
  }

  private sums(
    samples: readonly PrometheusSample[],
  ): Map<string, { labels: Record<string, string>; value: number }> {
    const found = new Map<string, { labels: Record<string, string>; value: number }>();
    for (const { labels: given, value } of samples) {
      const labels = this.spec.labels(given);
      if (labels === undefined) continue;
      const key = JSON.stringify(labels);
      const one = found.get(key);
      if (one === undefined) found.set(key, { labels, value });
      else one.value += value;
    }
    return found;
  }
}

/** By how much a counter grew. One that went down has begun anew, whatever the process says. */
function since(last: number, value: number): number {
  return value < last ? value : value - last;
}
