// The live page: draws what comes, once a second, and asks for nodes, pods and logs when somebody wants them. All text
// goes in as text.
import {
  formatBytes,
  formatCount,
  formatDurationUs,
  formatElapsedMs,
  formatNumber,
} from '../../report/charts/format.js';
import { drawChart, sizeBoxes } from './draw-charts.js';
import { setUpNodes } from './live-nodes.js';
import { badge, byId, fill } from './live-tables.js';
import { isDark, setUpTheme } from './theme-button.js';

/** Points of the curves: ten minutes of seconds. */
const pointsMax = 600;
/** The end of a log is asked for with every third snapshot, the nodes that are shown with every fifth. */
const snapshotsPerLog = 3;
const snapshotsPerRefresh = 5;

const specs = JSON.parse(document.getElementById('charts').textContent);
let points = [];
let snapshotCount = 0;
/** After it nothing can be asked for any more. */
let isOver = false;

function tile(name, figure, remark) {
  const div = document.createElement('div');
  div.className = 'tile';
  const dt = document.createElement('dt');
  dt.textContent = name;
  const dd = document.createElement('dd');
  for (const [className, text] of [
    ['figure', figure],
    ['remark', remark],
  ]) {
    const span = document.createElement('span');
    span.className = className;
    span.textContent = text;
    dd.append(span);
  }
  div.append(dt, dd);
  return div;
}

const rate = (value) => (typeof value === 'number' ? `${formatNumber(value)}/s` : '–');
const duration = (us) => (us === null || us === undefined ? '–' : formatDurationUs(us));

function showTiles({ nodes, pods, point, startupP99Us }) {
  const { pending, scheduled, started, failed, created, deleted, expected } = pods;
  byId('tiles').replaceChildren(
    tile(
      'Nodes Ready',
      formatCount(nodes.ready),
      `of ${formatCount(nodes.expected)}, ${formatCount(nodes.notReady)} not Ready`,
    ),
    tile('Pods pending', formatCount(pending), `${formatCount(scheduled)} scheduled`),
    tile('Pods started', formatCount(started), `${formatCount(failed)} failed`),
    tile(
      'Pods created',
      formatCount(created),
      `${expected === null ? '' : `of ${formatCount(expected)}, `}${formatCount(deleted)} deleted`,
    ),
    tile(
      'Requests',
      rate(point?.requestsPerSecond),
      typeof point?.requestedPerSecond === 'number' ? `${rate(point.requestedPerSecond)} requested` : '',
    ),
    tile('Startup p99', duration(startupP99Us), 'so far'),
    tile('API calls p99', duration(point?.apiCallP99Us), 'last 5 s'),
  );
}

function showPhase({ phase, phaseNumber, phaseCount, elapsedMs, remainingMs }) {
  const parts = [formatElapsedMs(elapsedMs)];
  if (phase !== '') parts.push(phaseCount > 0 ? `phase ${phaseNumber} of ${phaseCount}: ${phase}` : phase);
  if (remainingMs !== null) parts.push(`about ${formatElapsedMs(remainingMs)} left`);
  byId('phase').textContent = parts.join(' · ');
}

function showCurves() {
  const series = {
    'live-pods': ['podsCreated', 'podsStarted'],
    'live-rate': ['requestedPerSecond', 'requestsPerSecond'],
    'live-latency': ['podStartupP99Us', 'apiCallP99Us'],
  };
  if (points.length === 0) return;
  const [min, max] = [points[0].atMs, Math.max(points.at(-1).atMs, points[0].atMs + 1000)];
  for (const spec of specs) {
    const fields = series[spec.id];
    drawChart(
      {
        ...spec,
        x: { ...spec.x, min, max },
        series: spec.series.map((one, index) => ({
          ...one,
          points: points.map((point) => [point.atMs, point[fields[index]]]),
        })),
      },
      isDark(),
    );
  }
}

function addPoint(point) {
  if (point === null || point.atMs <= (points.at(-1)?.atMs ?? -1)) return;
  points.push(point);
  if (points.length > pointsMax) points.shift();
}

function showHealth({ apiServer, processes }) {
  const faults = processes
    .filter(({ state }) => state !== 'running')
    .map(({ name, state }) => (state === 'ended' ? `${name} has ended.` : `${name} is stopped by a signal.`));
  const server = apiServer === undefined ? [] : [`The API server ${apiServer}.`];
  byId('api-server').textContent = [...server, ...faults].join(' ');
  byId('api-server').classList.toggle('worse', apiServer === 'does not answer' || faults.length > 0);
  fill(
    'processes',
    processes.map(({ name, state, cpuCores, rssBytes }) => [
      name,
      badge(state, state === 'running' ? 'pass' : 'fail'),
      cpuCores === null ? '–' : formatNumber(cpuCores),
      rssBytes === null ? '–' : formatBytes(rssBytes),
    ]),
  );
}

/** Points of before; those that came since stay. */
function showHistory(before) {
  const later = points.filter(({ atMs }) => atMs > (before.at(-1)?.atMs ?? -1));
  points = [...before, ...later].slice(-pointsMax);
  showCurves();
}

function showSnapshot(snapshot) {
  addPoint(snapshot.point);
  if (document.hidden) return;
  if (snapshotCount % snapshotsPerLog === 0) void showLog();
  // With the first too: before it there is nothing to be told.
  if (snapshotCount % snapshotsPerRefresh === 0) refreshNodes();
  snapshotCount++;
  showPhase(snapshot);
  showTiles(snapshot);
  showCurves();
  showHealth(snapshot);
  const { latencies, windows, workloads, workloadsOmitted } = snapshot;
  fill(
    'latency-table',
    latencies.map(({ name, seconds, count, p50Us, p90Us, p99Us }) => [
      name,
      `${seconds} s`,
      formatCount(count),
      ...[p50Us, p90Us, p99Us].map(duration),
    ]),
  );
  const kinds = { good: 'pass', bad: 'fail', undecided: 'inconclusive' };
  fill(
    'window-table',
    windows.map(({ name, count, value, verdict }) => [
      name,
      formatCount(count),
      formatDurationUs(value),
      badge(verdict, kinds[verdict] ?? ''),
    ]),
  );
  fill(
    'workload-table',
    workloads.map(({ namespace, kind, name, total, started, failed, deleted }) => [
      namespace === '' ? name : `${namespace}/${name}`,
      kind,
      ...[total, started, failed, deleted].map(formatCount),
    ]),
  );
  byId('workloads-omitted').textContent =
    workloadsOmitted > 0 ? `and ${formatCount(workloadsOmitted)} others` : '';
}

function showEvents(events) {
  const kinds = { step: 'completed', info: '', warning: 'inconclusive', failure: 'fail' };
  fill(
    'event-table',
    events.toReversed().map(({ wallMs, kind, text }) => {
      const what = document.createElement('span');
      what.append(badge(kind, kinds[kind] ?? ''), ' ', text);
      return [new Date(wallMs).toLocaleTimeString(), what];
    }),
  );
}

/** Gives nothing when there is no answer just now. */
async function ask(path) {
  if (isOver) return null;
  try {
    const answer = await (await fetch(path)).json();
    // What came with the end stays as it is.
    return isOver ? null : answer;
  } catch {
    return null;
  }
}

const refreshNodes = setUpNodes(ask);

const component = byId('log-component');
async function showLog() {
  const log = byId('log');
  log.hidden = component.value === '';
  if (log.hidden || document.hidden) return;
  const answer = await ask(`/api/log?${new URLSearchParams({ component: component.value })}`);
  if (!answer) return;
  const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
  log.textContent = answer.lines.join('\n');
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}
component.addEventListener('change', () => void showLog());

function showComponents(names) {
  const chosen = component.value;
  component.replaceChildren(
    ...['', ...names].map((name) => new Option(name === '' ? 'none' : name, name, false, name === chosen)),
  );
}

const connection = byId('connection');
function showConnection(isOpen) {
  connection.textContent = isOpen ? 'live' : 'no connection: the run may be over';
  connection.className = `state ${isOpen ? 'on' : 'off'}`;
}

/** What is shown stays, and says how things stood in the end. */
function showEnd(outcome) {
  isOver = true;
  source.close();
  connection.textContent = 'over: this is how things stood in the end';
  connection.className = 'state';
  for (const control of document.querySelectorAll('main button, main input, main select')) {
    control.disabled = true;
  }
  if (outcome === null) return;
  const paragraph = (className, text) => {
    const p = document.createElement('p');
    p.className = className;
    p.textContent = text;
    return p;
  };
  const { verdict, summary } = outcome;
  const words = document.createElement('div');
  words.append(
    paragraph('verdict', `${verdict[0].toUpperCase()}${verdict.slice(1)}`),
    paragraph('summary', summary),
  );
  const banner = document.createElement('div');
  banner.className = `banner ${verdict}`;
  banner.append(words);
  byId('tiles').before(banner);
}

sizeBoxes();
setUpTheme(showCurves);
const source = new EventSource('/events');
const listen = (name, show) => source.addEventListener(name, (event) => show(JSON.parse(event.data)));
source.addEventListener('open', () => showConnection(true));
source.addEventListener('error', () => showConnection(false));
listen('welcome', ({ snapshot, events, logs, history }) => {
  showHistory(history?.points ?? []);
  showEvents(events);
  showComponents(logs);
  if (snapshot !== null) showSnapshot(snapshot);
});
listen('snapshot', showSnapshot);
listen('events', showEvents);
listen('logs', showComponents);
listen('end', showEnd);
