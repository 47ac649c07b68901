import type { Clock } from '../../base/clock.ts';
import type { LiveSource } from '../../dashboard/live/live-feed.ts';
import type {
  LiveAnswer,
  LiveLatency,
  LivePoint,
  LiveProcess,
  LiveQuestion,
  LiveSnapshot,
  LiveWindow,
} from '../../dashboard/live/snapshot.ts';
import { LiveInventory } from '../../measure/live-inventory.ts';
import { RecentLatencies } from '../../measure/recent-latencies.ts';
import { parseLine } from '../../measure/windows/log-lines.ts';
import { labelText } from '../../report/view.ts';
import type { TimelinePoint } from '../../result/result.ts';
import type { RunStatus, RunView } from '../../scenario/run-reporter.ts';
import { nodeAnswer, nodesAnswer, nodesOf, workloadsOf } from './inventory-answers.ts';
import { processesOf } from './processes-of.ts';

/** Points that a page begins with: ten minutes of seconds. */
const historyMax = 600;

/** Windows of a snapshot: bad ones first. */
const windowsMax = 100;

const nothingUsed = { cpuCores: {}, rssBytes: {} };

/** How far latencies look back. */
const latencySeconds = [10, 60];

/** Where no phase has begun there is no status yet. */
const noStatus = { phase: 'bring-up', phaseIndex: -1, phaseCount: 0, elapsedMs: 0, remainingMs: null };

/** What a run tells its live page. It listens from the beginning, and counts; all else is done when it is asked. */
export class RunSource implements LiveSource {
  /** The last one that the run has told. */
  status: RunStatus | undefined;
  private readonly view: RunView;
  private readonly nodeCount: number;
  private readonly inventory = new LiveInventory();
  private readonly startups = new RecentLatencies();
  private readonly calls = new RecentLatencies();
  private readonly clock: Clock;
  private readonly names = new Map<string, string>();
  private readonly windows = new Map<string, LiveWindow>();
  private processes: LiveProcess[] = [];

  /** @param nodeCount nodes that the run will have */
  constructor(view: RunView, nodeCount: number, clock: Clock) {
    this.view = view;
    this.nodeCount = nodeCount;
    this.clock = clock;
    const { pods, nodes, startup, course } = view.measurement;
    startup.settledListeners.push((_group, _pod, totalUs) => this.startups.record(clock.nowUs(), totalUs));
    course.onCalls = (latencies) => this.calls.merge(clock.nowUs(), latencies);
    pods.listen(this.inventory);
    nodes.listen(this.inventory);
    view.measurement.onWindows((lines) => this.onWindows(lines));
  }

  snapshot(): LiveSnapshot {
    const { measurement } = this.view;
    const { pods, nodes } = measurement;
    const { phase, phaseIndex, phaseCount, elapsedMs, remainingMs } = this.status ?? noStatus;
    const [last] = measurement.recentPoints(1);
    return {
      phase,
      phaseNumber: phaseIndex + 1,
      phaseCount,
      elapsedMs,
      remainingMs,
      nodes: nodesOf(this.nodeCount, nodes.ready, nodes.present),
      pods: {
        ...this.inventory.counts,
        created: pods.created,
        deleted: pods.deleted,
        expected: this.status?.podsExpected ?? null,
      },
      point: last === undefined ? null : pointOf(last),
      startupP99Us: this.status?.podStartupP99Us ?? null,
      windows: this.lastWindows(),
      latencies: this.latencies(),
      processes: this.processesNow(last),
      ...(last === undefined
        ? {}
        : { apiServer: measurement.apiServerIsDown() ? 'does not answer' : 'answers' }),
      ...workloadsOf(this.inventory),
    };
  }

  answer(question: LiveQuestion): LiveAnswer {
    switch (question.what) {
      case 'history':
        return { points: this.view.measurement.recentPoints(historyMax).map(pointOf) };
      case 'nodes':
        return nodesAnswer(this.inventory, question);
      case 'node':
        return nodeAnswer(this.inventory, question);
    }
  }

  /** Some hundred lines, once a minute. */
  private onWindows(lines: string): void {
    for (const text of lines.split('\n')) {
      const line = text === '' ? undefined : parseLine(text);
      if (line === undefined || 'at' in line) continue;
      if ('series' in line) {
        const [key, id, labels] = line.series;
        const said = labelText({ labels });
        this.names.set(key, said === '' ? id : `${id}: ${said}`);
      } else {
        const [key, , count, value, verdict] = line.point;
        this.windows.set(key, { name: this.names.get(key) ?? key, count, value, verdict });
      }
    }
  }

  /** Afterwards the cluster is taken down, and that its processes end then is no fault. */
  private processesNow(last: TimelinePoint | undefined): LiveProcess[] {
    const { cluster, measurement } = this.view;
    if (!measurement.stopped) this.processes = processesOf(last ?? nothingUsed, cluster.pids());
    return this.processes;
  }

  private latencies(): LiveLatency[] {
    const nowUs = this.clock.nowUs();
    const of = (name: string, recent: RecentLatencies): LiveLatency[] =>
      latencySeconds.map((seconds) => ({ name, seconds, ...recent.over(nowUs, seconds * 1000) }));
    return [...of('pod startup', this.startups), ...of('API calls', this.calls)];
  }

  private lastWindows(): LiveWindow[] {
    const all = [...this.windows.values()];
    const bad = all.filter(({ verdict }) => verdict === 'bad');
    return [...bad, ...all.filter(({ verdict }) => verdict !== 'bad')].slice(0, windowsMax);
  }
}

function pointOf(point: TimelinePoint): LivePoint {
  const { atMs, podsCreated, podsStarted, requestsPerSecond, requestedPerSecond } = point;
  const { podStartupP99Us, apiCallP99Us } = point;
  return {
    atMs,
    podsCreated,
    podsStarted,
    requestsPerSecond,
    requestedPerSecond,
    podStartupP99Us,
    apiCallP99Us,
  };
}
