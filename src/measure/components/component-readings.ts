import type { Figure, Sli } from '../../result/result.ts';
import { type PrometheusSample, parsePrometheus } from '../prometheus.ts';
import type { Threshold } from '../slo.ts';
import type { StepSamples } from '../windows/window-set.ts';
import { specOf } from './components.ts';
import { HistogramIncreases } from './histogram-increases.ts';
import { NumberReadings, type ReadingTime } from './number-readings.ts';

const startTime = 'process_start_time_seconds';

/** Clocks of two machines that NTP keeps differ by less. */
const clockSkewMsMax = 5_000;

/** What one component tells over a run. Families that it does not have are simply not there. */
export class ComponentReadings {
  /** How often the process was found to have begun anew. */
  restarts = 0;
  /** How often another replica answered than before: one that is older than the last reading. */
  switches = 0;
  /** Readings that succeeded; there is something to tell from the second on. */
  count = 0;
  private readonly component: string;
  private readonly everySeconds: number;
  private readonly histograms: readonly HistogramIncreases[];
  private readonly numbers: readonly NumberReadings[];
  private readonly names: readonly string[];
  private startedAtSeconds: number | undefined;
  private lastWallMs = 0;
  private firstUs = 0;
  private lastUs = 0;

  /** @param everySeconds from one reading to the next */
  constructor(component: string, thresholds: readonly Threshold[], everySeconds: number) {
    const spec = specOf(component);
    this.component = component;
    this.everySeconds = everySeconds;
    this.histograms = spec.histograms.map((histogram) => new HistogramIncreases(histogram, thresholds));
    this.numbers = spec.numbers.map((number) => new NumberReadings(number, everySeconds));
    this.names = [
      startTime,
      ...this.histograms.map(({ sampleName }) => sampleName),
      ...this.numbers.flatMap(({ sampleNames }) => sampleNames),
    ];
  }

  /**
   * @param text the answer of /metrics
   * @param atUs when it came, monotonic
   * @param wallMs the same by the wall clock
   * @returns what came since the last reading into what is judged
   */
  read(text: string, atUs: number, wallMs: number): StepSamples[] {
    const byName = new Map<string, PrometheusSample[]>();
    for (const sample of parsePrometheus(text, this.names)) {
      const others = byName.get(sample.name);
      if (others === undefined) byName.set(sample.name, [sample]);
      else others.push(sample);
    }
    const samplesOf = (name: string): readonly PrometheusSample[] => byName.get(name) ?? [];
    const time = this.timeOf(samplesOf(startTime)[0]?.value, atUs, wallMs);
    for (const number of this.numbers) number.read(samplesOf, time);
    return this.histograms.flatMap((histogram) => histogram.read(samplesOf(histogram.sampleName), time.how));
  }

  tell(): { slis: Sli[]; figures: Figure[] } {
    if (this.count < 2) return { slis: [], figures: [] };
    const source = ` of ${this.component}, read every ${this.everySeconds} s`;
    const seconds = (this.lastUs - this.firstUs) / 1e6;
    return {
      slis: this.histograms.flatMap((histogram) => histogram.tell(`${source}, increases added up`)),
      figures: this.numbers.flatMap((number) => number.tell(source, seconds)),
    };
  }

  private timeOf(startedAtSeconds: number | undefined, atUs: number, wallMs: number): ReadingTime {
    const seconds = this.count === 0 ? 0 : (atUs - this.lastUs) / 1e6;
    if (this.count === 0) this.firstUs = atUs;
    const how = this.count === 0 ? 'first' : this.howSince(startedAtSeconds);
    if (how === 'restarted') this.restarts++;
    this.startedAtSeconds = startedAtSeconds ?? this.startedAtSeconds;
    this.lastUs = atUs;
    this.lastWallMs = wallMs;
    this.count++;
    return { how, seconds };
  }

  /** A replica that is older than the last reading has counted all the time: its counts are no increases. */
  private howSince(startedAtSeconds: number | undefined): ReadingTime['how'] {
    const before = this.startedAtSeconds;
    if (startedAtSeconds === undefined || before === undefined || startedAtSeconds === before) return 'next';
    if (startedAtSeconds * 1000 >= this.lastWallMs - clockSkewMsMax) return 'restarted';
    this.switches++;
    return 'first';
  }
}
