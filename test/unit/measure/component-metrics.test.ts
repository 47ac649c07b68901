import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { ComponentEndpoint } from '../../../src/kube/component-endpoint.ts';
import type { ApiResponse } from '../../../src/kube/client.ts';
import type { ClientIdentity } from '../../../src/kube/identity.ts';
import { ComponentMetrics, type ScraperPort } from '../../../src/measure/scraper/component-metrics.ts';
import { ComponentReader } from '../../../src/measure/scraper/component-reader.ts';
import type { ScraperCommand, ScraperConfig } from '../../../src/measure/scraper/messages.ts';
import { FakeClock } from './fake-clock.ts';
import { callSeries, metricsPage } from './metrics-text.ts';

const windows = { lengthMs: 300_000, stepMs: 60_000 };
const postPods = { verb: 'POST', resource: 'pods', scope: 'resource' };
const getNodes = { verb: 'GET', resource: 'nodes', scope: 'resource' };
const all = ['kube-apiserver', 'etcd', 'kube-scheduler', 'kube-controller-manager'];

/** What each component answers now: a page, or how it fails. */
type Answers = Map<string, string | number | Error>;

const of = (calls: number, latePosts = 0): string =>
  metricsPage(
    1,
    callSeries(postPods, [calls, calls, calls, calls, calls + latePosts]),
    callSeries(getNodes, [calls, calls, calls, calls, calls]),
  );

/** A worker that lives in this thread, over components that answer from a map. */
class LocalWorker extends EventEmitter implements ScraperPort {
  readonly commands: ScraperCommand[] = [];
  closed: string[] = [];
  terminated = false;
  private readonly reader: ComponentReader;

  constructor(config: ScraperConfig, answers: Answers) {
    super();
    this.reader = new ComponentReader({
      // As it comes through a message.
      config: structuredClone(config),
      clock: new FakeClock(),
      connect: ({ component }, onRefused) => ({
        client: {
          request: (): Promise<ApiResponse> => {
            const answer = answers.get(component) ?? 503;
            if (answer instanceof Error) return Promise.reject(answer);
            const status = typeof answer === 'number' ? answer : 200;
            if (status === 401) onRefused();
            const body = Buffer.from(typeof answer === 'number' ? '' : answer);
            return Promise.resolve({ status, contentType: 'text/plain', body });
          },
        },
        update: () => {},
        close: () => this.closed.push(component),
      }),
    });
  }

  postMessage(command: ScraperCommand): void {
    this.commands.push(structuredClone(command));
    if (command.type === 'give-up') this.reader.giveUp();
    else if (command.type === 'tell') this.send({ type: 'told', told: this.reader.tell() });
    else
      void this.reader.read(command.step, command.shown).then((read) => this.send({ type: 'read', ...read }));
  }

  terminate(): Promise<number> {
    this.terminated = true;
    return Promise.resolve(0);
  }

  private send(message: unknown): void {
    queueMicrotask(() => this.emit('message', structuredClone(message)));
  }
}

type Setup = {
  metrics: ComponentMetrics;
  worker: () => LocalWorker;
  answers: Answers;
  lines: string[];
  clock: FakeClock;
  refusals: () => number;
};

function setUp(names: readonly string[] = all): Setup {
  const clock = new FakeClock();
  const answers: Answers = new Map(names.map((name) => [name, of(0)]));
  const lines: string[] = [];
  let worker: LocalWorker | undefined;
  let refusals = 0;
  const identity: ClientIdentity = {
    tls: () => ({ certificate: undefined }),
    headers: () => ({ authorization: 'Bearer now' }),
    refused: () => refusals++,
  };
  const components: ComponentEndpoint[] = names.map((component) => ({
    component,
    endpoint: { url: 'https://127.0.0.1:1', caPem: undefined },
    identity,
  }));
  const metrics = new ComponentMetrics({
    components,
    thresholds: [],
    windows,
    clock,
    onWindows: (text) => lines.push(text),
    lastStep: () => 2,
    startWorker: (config) => (worker = new LocalWorker(config, answers)),
  });
  const theWorker = (): LocalWorker => worker as LocalWorker;
  return { metrics, worker: theWorker, answers, lines, clock, refusals: () => refusals };
}

/** All microtasks of an answer. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const notes = ({ metrics }: Setup): string[] => metrics.tell().notes ?? [];

describe('ComponentMetrics', () => {
  it('reads at the start, at each step and at the end, and tells windows and the whole', async () => {
    const run = setUp();
    await run.metrics.start();
    expect(run.lines).toEqual(['']);
    run.answers.set('kube-apiserver', of(200));
    run.metrics.step(1);
    await settled();
    run.answers.set('kube-apiserver', of(250, 40));
    await run.metrics.finish();
    expect(run.metrics.serverIsKnown).toBe(true);
    const verdicts = run.lines.map((text) =>
      text
        .split('\n')
        .filter((line) => line.includes('point'))
        .map((line) => (JSON.parse(line) as { point: unknown[] }).point)
        .map(([, step, count, , verdict]) => [step, count, verdict]),
    );
    expect(verdicts).toEqual([
      [],
      [
        [1, 200, 'good'],
        [1, 200, 'good'],
      ],
      [
        [2, 290, 'bad'],
        [2, 250, 'good'],
      ],
    ]);
    const { slis, notes: said } = run.metrics.tell();
    expect(slis?.map(({ id, count }) => [id, count])).toEqual([
      ['api-call-server', 290],
      ['api-call-server', 250],
    ]);
    expect(said).toEqual([]);
    run.metrics.stop();
    expect(run.worker().terminated).toBe(true);
  });

  it('shows the identity as it is at each reading, and says when it was refused', async () => {
    const run = setUp(['kube-apiserver']);
    await run.metrics.start();
    run.answers.set('kube-apiserver', 401);
    run.metrics.step(1);
    await settled();
    expect(run.refusals()).toBe(1);
    expect(run.worker().commands).toEqual(
      [0, 1].map((step) => ({ type: 'read', step, shown: [{ headers: { authorization: 'Bearer now' } }] })),
    );
  });

  it('does not ask again while it is still being answered', async () => {
    const run = setUp();
    await run.metrics.start();
    run.metrics.step(1);
    run.metrics.step(2);
    await settled();
    run.metrics.step(3);
    await run.metrics.finish();
    const steps = run
      .worker()
      .commands.map((command) => (command.type === 'read' ? command.step : command.type));
    expect(steps).toEqual([0, 1, 3, 2, 'tell']);
  });

  it('has no window of a step in which the API server did not answer, and loses nothing', async () => {
    const run = setUp();
    await run.metrics.start();
    run.answers.set('kube-apiserver', new Error('connection lost'));
    run.metrics.step(1);
    await settled();
    run.answers.set('kube-apiserver', of(300));
    await run.metrics.finish();
    expect(run.lines.slice(0, 2)).toEqual(['', '']);
    expect(run.lines[2]).toContain(',2,300,');
    expect(run.metrics.serverIsKnown).toBe(true);
    expect(notes(run)).toEqual([
      'The metrics of kube-apiserver could not be read 1 time: what it counted meanwhile is in the windows that follow.',
    ]);
  });

  it('tells what there is of a cluster that is lost', async () => {
    const run = setUp();
    await run.metrics.start();
    run.answers.set('kube-apiserver', of(100));
    run.metrics.step(1);
    await settled();
    run.metrics.giveUp();
    await run.metrics.finish();
    expect(run.worker().closed).toEqual(all);
    expect(run.metrics.tell().slis).not.toEqual([]);
    // What came after the last reading is known to the load generator alone.
    expect(run.metrics.serverIsKnown).toBe(false);
    expect(notes(run)).toHaveLength(5);
    expect(notes(run)[0]).toBe(
      "The API server's own latencies are not of the whole run (the run ended before it answered): API calls are judged by what the load generator measured, too.",
    );
    expect(notes(run)[1]).toContain('The last metrics of kube-apiserver could not be read');
  });

  it('judges what the load measured, too, when the first metrics of the API server are missing', async () => {
    const run = setUp();
    run.answers.set('kube-apiserver', 429);
    await run.metrics.start();
    run.answers.set('kube-apiserver', of(100));
    run.metrics.step(1);
    await settled();
    run.answers.set('kube-apiserver', of(300));
    await run.metrics.finish();
    expect(run.metrics.tell().slis?.map(({ count }) => count)).toEqual([200, 200]);
    expect(run.metrics.serverIsKnown).toBe(false);
    expect(notes(run)).toEqual([
      "The API server's own latencies are not of the whole run (cannot read the metrics of kube-apiserver: HTTP 429): API calls are judged by what the load generator measured, too.",
      'The first metrics of kube-apiserver could not be read (cannot read the metrics of kube-apiserver: HTTP 429): what it counted before the next ones is lost.',
    ]);
  });

  it('says once of each component that there is nothing of it, and why', async () => {
    const run = setUp(['kube-apiserver', 'etcd']);
    run.answers.set('kube-apiserver', 403);
    run.answers.set('etcd', 404);
    await run.metrics.start();
    await run.metrics.finish();
    expect(run.metrics.serverIsKnown).toBe(false);
    expect(notes(run)).toEqual([
      'There are no latencies of the API server itself (cannot read the metrics of kube-apiserver: HTTP 403): API calls are judged by what the load generator measured.',
      'There are no figures of kube-scheduler, kube-controller-manager: of this cluster, they cannot be asked for their metrics.',
      'There are no figures of etcd: cannot read the metrics of etcd: HTTP 404.',
    ]);
  });

  it('says that a component was restarted', async () => {
    const run = setUp();
    await run.metrics.start();
    const now = new FakeClock().wallMs() / 1000;
    run.answers.set('kube-apiserver', metricsPage(now, callSeries(postPods, [7, 7, 7, 7, 7])));
    await run.metrics.finish();
    expect(run.metrics.tell().slis?.map(({ count }) => count)).toEqual([7]);
    expect(notes(run)[0]).toContain('The API server was restarted during the run');
  });

  it('goes on without its thread', async () => {
    const run = setUp();
    await run.metrics.start();
    run.worker().emit('error', new Error('out of memory'));
    run.metrics.step(1);
    await run.metrics.finish();
    expect(notes(run)[0]).toContain('no latencies of the API server itself (out of memory)');
    run.metrics.stop();
  });

  it('does not wait for a thread that says nothing', async () => {
    const run = setUp();
    await run.metrics.start();
    run.worker().removeAllListeners('message');
    const finished = run.metrics.finish();
    await settled();
    run.clock.pass(60_000);
    await finished;
    expect(notes(run)[0]).toContain('(its thread does not answer)');
  });

  it('starts no thread once it was stopped', async () => {
    const run = setUp();
    run.metrics.stop();
    await run.metrics.start();
    expect(run.worker()).toBeUndefined();
  });

  it('has nothing to ask where there is nobody', async () => {
    const run = setUp([]);
    await run.metrics.start();
    await run.metrics.finish();
    expect(notes(run)[0]).toContain('(not asked for)');
    run.metrics.stop();
  });
});
