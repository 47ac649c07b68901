import type { Figure } from '../result/result.ts';
import type { Instrument, Told } from './instrument.ts';
import type { PodFacts } from './pod-facts.ts';
import { countOf, countText } from './words.ts';

/** A phase that asks for all its pods at once. */
export type Burst = { phase: string /** Those that can start. */; pods: number };

/** What this needs of {@link PodObserver}. */
export type ObservedStarts = { onStart(listener: (pod: PodFacts, atUs: number) => void): void };

type Course = { started: number; sentUs: number | undefined; lastUs: number | undefined };

/**
 * How long a burst takes: from the one instant at which all pods of a phase were asked for until the last of them had
 * started. Pods that take the place of others (evicted, deleted) come later and are none of the burst's.
 */
export class BurstStartup implements Instrument {
  private readonly bursts: readonly Burst[];
  private readonly courses = new Map<string, Course>();

  constructor(bursts: readonly Burst[], pods: ObservedStarts) {
    this.bursts = bursts;
    for (const { phase } of bursts) {
      this.courses.set(phase, { started: 0, sentUs: undefined, lastUs: undefined });
    }
    const sizes = new Map(bursts.map(({ phase, pods: count }) => [phase, count]));
    if (bursts.length === 0) return;
    pods.onStart(({ phase }, atUs) => {
      const course = this.courses.get(phase);
      if (course === undefined) return;
      course.started++;
      if (course.started === sizes.get(phase)) course.lastUs = atUs;
    });
  }

  sent(phase: string, startUs: number): void {
    const course = this.courses.get(phase);
    if (course !== undefined) course.sentUs = startUs;
  }

  tell(): Told {
    const figures: Figure[] = [];
    const notes: string[] = [];
    for (const { phase, pods } of this.bursts) {
      const { started, sentUs, lastUs } = this.courses.get(phase) ?? { started: 0 };
      // A phase that never came.
      if (sentUs === undefined) continue;
      if (lastUs === undefined) {
        notes.push(
          `The burst of phase ${phase} has no time: ${countText(started)} of its ${countOf(pods, 'pod')} started.`,
        );
        continue;
      }
      figures.push({
        id: 'burst-startup',
        labels: { phase, pods: String(pods) },
        unit: 'us',
        definition:
          'From the instant at which all pods of a phase were to be asked for (the intended send of its first request, which is that of all) until a watcher has seen all containers of the last of them started.',
        source: "load generator's and observer's clocks, both the machine's monotonic one",
        resolution: '1 µs; includes the loop delay of the thread',
        value: Math.max(0, Math.round(lastUs - sentUs)),
      });
    }
    return { figures, notes };
  }
}
