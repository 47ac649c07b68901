import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { ApiClient } from '../../kube/client.ts';
import type { ShownIdentity } from '../../kube/identity.ts';
import { ComponentReadings } from '../components/component-readings.ts';
import { apiServer, componentNames } from '../components/components.ts';
import { serverCallsId } from '../components/server-calls.ts';
import { scrape } from '../prometheus.ts';
import { WindowSet } from '../windows/window-set.ts';
import { countOf as textOf } from '../words.ts';
import type { ScraperConfig, ScraperTarget, ToldByComponents } from './messages.ts';

/** A connection to one component. */
export type ComponentConnection = {
  client: Pick<ApiClient, 'request'>;
  /** The identity shows this from now on. */
  update(shown: ShownIdentity): void;
  close(): void;
};

export type ComponentReaderOptions = {
  config: ScraperConfig;
  clock: Clock;
  connect: (target: ScraperTarget, onRefused: () => void) => ComponentConnection;
};

type Source = {
  component: string;
  connection: ComponentConnection;
  readings: ComponentReadings;
  windows: WindowSet;
  /** Why the run's first reading failed; undefined when it did not. */
  firstFault: string | undefined;
  /** Why the last reading failed; undefined when it did not. */
  fault: string | undefined;
  /** Readings that failed after one that did not. */
  missed: number;
};

/** Reads the metrics of all components once a step, and keeps of them what a result tells. Lives in the worker. */
export class ComponentReader {
  private readonly clock: Clock;
  private readonly sources: readonly Source[];
  private refused: number[] = [];
  private hasGivenUp = false;

  constructor({ config, clock, connect }: ComponentReaderOptions) {
    this.clock = clock;
    const everySeconds = config.windows.stepMs / 1000;
    this.sources = config.targets.map((target, index) => ({
      component: target.component,
      connection: connect(target, () => this.refused.push(index)),
      readings: new ComponentReadings(target.component, config.thresholds, everySeconds),
      windows: new WindowSet(`${target.component} `, config.windows),
      firstFault: undefined,
      fault: undefined,
      missed: 0,
    }));
  }

  /**
   * Reads every component once; never rejects. A component that does not answer has no windows in this step, and what it
   * counted counts in the step of its next answer; before its first one it is not known.
   * @param step 0 for the first time, which is what the others are compared with
   */
  async read(
    step: number,
    shown: readonly ShownIdentity[],
  ): Promise<{ lines: string; refused: readonly number[] }> {
    this.refused = [];
    const lines = await Promise.all(
      this.sources.map((source, index) => {
        const now = shown[index];
        if (now !== undefined) source.connection.update(now);
        return this.readOne(source, step);
      }),
    );
    return { lines: lines.join(''), refused: this.refused };
  }

  tell(): ToldByComponents {
    const told = this.sources.map(({ readings }) => readings.tell());
    const slis = told.flatMap((one) => one.slis);
    const hasServer = slis.some(({ id }) => id === serverCallsId);
    return {
      slis,
      figures: told.flatMap((one) => one.figures),
      notes: [...this.serverNotes(hasServer), ...this.notes()],
      serverIsKnown: hasServer && this.serverGap() === undefined,
    };
  }

  /** Why the API server's figures are not of the whole run: one that tells nothing may be one that is overloaded. */
  private serverGap(): string | undefined {
    const server = this.sources.find(({ component }) => component === apiServer);
    return server?.firstFault ?? server?.fault;
  }

  giveUp(): void {
    this.hasGivenUp = true;
    for (const { connection } of this.sources) connection.close();
  }

  /** @returns the windows that end with this step. */
  private async readOne(source: Source, step: number): Promise<string> {
    const { component, connection, readings, windows } = source;
    try {
      if (this.hasGivenUp) throw new Error('the run ended before it answered');
      const text = await scrape({ component, client: connection.client });
      source.fault = undefined;
      const came = readings.read(text, this.clock.nowUs(), this.clock.wallMs());
      return step === 0 ? '' : windows.close(step, came);
    } catch (error) {
      source.fault = errorMessage(error);
      if (step === 0) source.firstFault = source.fault;
      if (readings.count > 0) source.missed++;
      return '';
    }
  }

  private serverNotes(hasServer: boolean): string[] {
    const gap = this.serverGap();
    if (hasServer) {
      if (gap === undefined) return [];
      return [
        `The API server's own latencies are not of the whole run (${gap}): API calls are judged by what the load generator measured, too.`,
      ];
    }
    const isAsked = this.sources.some(({ component }) => component === apiServer);
    const why = isAsked ? (gap ?? 'it does not tell them') : 'not asked for';
    return [
      `There are no latencies of the API server itself (${why}): API calls are judged by what the load generator measured.`,
    ];
  }

  private notes(): string[] {
    const notes: string[] = [];
    const asked = new Set(this.sources.map(({ component }) => component));
    const others = componentNames.filter((name) => !asked.has(name));
    if (others.length > 0) {
      notes.push(
        `There are no figures of ${others.join(', ')}: of this cluster, they cannot be asked for their metrics.`,
      );
    }
    for (const { component, readings, firstFault, fault, missed } of this.sources) {
      const name = component === apiServer ? 'The API server' : component;
      if (readings.restarts > 0) {
        notes.push(
          `${name} was restarted during the run: what it counted between the last reading before that and its end is lost.`,
        );
      }
      if (readings.switches > 0) {
        notes.push(
          `${name} was answered for by another replica (${textOf(readings.switches, 'time')}): what was counted between the last reading of one and the first of the other is lost.`,
        );
      }
      if (readings.count < 2) {
        if (component !== apiServer)
          notes.push(`There are no figures of ${component}: ${fault ?? 'it was asked once'}.`);
        continue;
      }
      if (firstFault !== undefined) {
        notes.push(
          `The first metrics of ${component} could not be read (${firstFault}): what it counted before the next ones is lost.`,
        );
      }
      if (fault !== undefined) {
        notes.push(
          `The last metrics of ${component} could not be read (${fault}): its figures end before the run.`,
        );
      } else if (missed > 0) {
        notes.push(
          `The metrics of ${component} could not be read ${textOf(missed, 'time')}: what it counted meanwhile is in the windows that follow.`,
        );
      }
    }
    return notes;
  }
}
