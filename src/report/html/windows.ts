import type { RunResult, SliWindows, WindowVerdict } from '../../result/result.ts';
import {
  formatCount,
  formatDurationUs,
  formatElapsedMs,
  formatNumber,
  formatValue,
} from '../charts/format.js';
import { type JudgedSli, quantileName, sliName } from '../view.ts';
import { type Markup, html } from './markup.ts';

type Point = SliWindows['points'][number];

/** Neighbours of one verdict. */
type Span = { verdict: WindowVerdict; fromMs: number; toMs: number; worst: number };

/** Spans that a screen shows apart; of more, neighbours are one with the worse verdict, as in the result itself. */
const spansMax = 400;

/** Strips that a reader can take in; those of SLIs with bad windows come first. */
const stripsMax = 6;

/** The run window by window, as SLOs are defined, with a strip for it and for each SLI; nothing without windows. */
export function windowStrips(result: RunResult, judged: readonly JudgedSli[]): Markup {
  const { good, bad, undecided, lengthMs, stepMs } = result.windows;
  if (good + bad + undecided === 0) return html``;
  const withWindows = judged
    .filter((sli) => (sli.windows?.points.length ?? 0) > 0)
    .toSorted((a, b) => (b.windows?.bad ?? 0) - (a.windows?.bad ?? 0));
  const shown = withWindows.slice(0, stripsMax);
  const decided = good + bad;
  const share =
    decided === 0 ? 'None could be judged' : `${formatNumber((good / decided) * 100)} % of them were good`;
  const strips = [
    strip(
      'All SLOs together',
      joined(withWindows.map((sli) => sli.windows?.points ?? [])),
      stepMs,
      undefined,
    ),
    ...(withWindows.length < 2
      ? []
      : shown.map((sli) => strip(sliName(sli), sli.windows?.points ?? [], stepMs, sli))),
  ];
  const rest = withWindows.length - shown.length;
  return html`<div class="card windows"><h3>Window by window</h3><p class="lead">Windows of ${formatDurationUs(lengthMs * 1000)}, one every ${formatDurationUs(stepMs * 1000)}: ${formatCount(good)} good, ${formatCount(bad)} bad, ${formatCount(undecided)} undecided. ${share}.</p>${strips}${rest > 0 && html`<p class="lead">${formatCount(rest)} more SLIs have no more bad windows than these.</p>`}<ul class="legend"><li><span class="key good" aria-hidden="true"></span>good</li><li><span class="key bad" aria-hidden="true"></span>bad</li><li><span class="key undecided" aria-hidden="true"></span>undecided: too few samples</li></ul></div>`;
}

const rank: Record<WindowVerdict, number> = { undecided: 0, good: 1, bad: 2 };

/** Of all SLIs at each time: bad when one was bad, good when one was good and none bad. */
function joined(all: readonly (readonly Point[])[]): Point[] {
  const byTime = new Map<number, Point>();
  for (const point of all.flat()) {
    const known = byTime.get(point.atMs);
    if (known === undefined || rank[point.verdict] > rank[known.verdict]) byTime.set(point.atMs, point);
  }
  return [...byTime.values()].toSorted((a, b) => a.atMs - b.atMs);
}

function strip(name: string, points: readonly Point[], stepMs: number, sli: JudgedSli | undefined): Markup {
  let spans = spansOf(points, stepMs);
  while (spans.length > spansMax) spans = coarser(spans);
  const [first, last] = [spans[0], spans.at(-1)];
  if (first === undefined || last === undefined) return html``;
  const lengthMs = Math.max(1, last.toMs - first.fromMs);
  const parts = spans.map((span) => {
    const value =
      sli === undefined || span.verdict === 'undecided'
        ? ''
        : `, ${quantileName(sli.slo.quantile)} up to ${formatValue(span.worst, sli.unit)}`;
    const text = `${formatElapsedMs(span.fromMs)} – ${formatElapsedMs(span.toMs)}: ${span.verdict}${value}`;
    const width = (((span.toMs - span.fromMs) / lengthMs) * 100).toFixed(3);
    return html`<span class="${span.verdict}" style="width:${width}%" title="${text}"><span class="hidden">${text}; </span></span>`;
  });
  return html`<div class="strip"><span class="name">${name}</span><span class="spans">${parts}</span></div>`;
}

/** A window is shown at the step that it ends. */
function spansOf(points: readonly Point[], stepMs: number): Span[] {
  const spans: Span[] = [];
  for (const { atMs, verdict, value } of points) {
    const before = spans.at(-1);
    if (before?.verdict === verdict) {
      before.toMs = atMs;
      before.worst = Math.max(before.worst, value);
    } else {
      const fromMs = before?.toMs ?? Math.max(0, atMs - stepMs);
      spans.push({ verdict, fromMs, toMs: atMs, worst: value });
    }
  }
  return spans;
}

/** Half as many. */
function coarser(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (let i = 0; i < spans.length; i += 2) {
    const [first, second] = [spans[i], spans[i + 1]];
    if (first === undefined) continue;
    if (second === undefined) result.push(first);
    else {
      const verdict = rank[first.verdict] > rank[second.verdict] ? first.verdict : second.verdict;
      result.push({ ...second, verdict, fromMs: first.fromMs, worst: Math.max(first.worst, second.worst) });
    }
  }
  return result;
}
