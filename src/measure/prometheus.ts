import parsePrometheusTextFormat from 'parse-prometheus-text-format';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import type { ApiClient } from '../kube/client.ts';
import { callClass } from '../metrics/call-metrics.ts';

const scrapeTimeoutMs = 30_000;

const getMetrics = callClass('GET', 'metrics', '', 'cluster');

/** A component that tells its metrics, and a client of it whose identity may read them. */
export type ScrapeTarget = {
  /** `kube-apiserver`, … */
  component: string;
  client: Pick<ApiClient, 'request'>;
};

/** One line of the text format. Bucket lines of a histogram are samples of `<family>_bucket` with a label `le`. */
export type PrometheusSample = {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
};

/**
 * The samples of these names, in the order of the text.
 *
 * `parse-prometheus-text-format` 1.1.1 reads the lines, but never the whole text: given the TYPE lines it folds all
 * series of a histogram into one and drops their labels (of 44 series of apiserver_request_sli_duration_seconds one is
 * left), and the 1.8 MB of an idle API server keep it busy for 50 to 70 ms. So the wanted lines are cut out first,
 * without their TYPE: 5 ms for that family.
 */
export function parsePrometheus(text: string, names: readonly string[]): PrometheusSample[] {
  const samples: PrometheusSample[] = [];
  // The parser forgets a last line that has no line feed.
  for (const family of parsePrometheusTextFormat(`${linesOf(text, new Set(names)).join('\n')}\n`)) {
    for (const metric of family.metrics) {
      const value = numberOf(metric.value);
      if (value !== undefined) samples.push({ name: family.name, labels: metric.labels ?? {}, value });
    }
  }
  return samples;
}

function linesOf(text: string, names: ReadonlySet<string>): string[] {
  const lines: string[] = [];
  for (let at = 0; at < text.length; ) {
    const feed = text.indexOf('\n', at);
    const end = feed < 0 ? text.length : feed;
    if (names.has(text.slice(at, nameEnd(text, at, end)))) lines.push(text.slice(at, end));
    at = end + 1;
  }
  return lines;
}

/** A name ends with `{` or a blank. */
function nameEnd(text: string, from: number, end: number): number {
  let at = from;
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x7b || code === 0x20 || code === 0x09) break;
  }
  return at;
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}

/**
 * Fetches a component's metrics as text: 2 to 10 MB of a loaded API server.
 * @throws HollowmarkError `cluster-unavailable` when there is no answer in 30 s or another status than 200.
 */
export async function scrape({ component, client }: ScrapeTarget): Promise<string> {
  try {
    const { status, body } = await client.request({
      method: 'GET',
      path: '/metrics',
      kind: getMetrics,
      accept: 'text/plain;version=0.0.4',
      timeoutMs: scrapeTimeoutMs,
    });
    if (status !== 200) throw new Error(`HTTP ${status}`);
    return body.toString('utf8');
  } catch (cause) {
    throw new HollowmarkError(
      'cluster-unavailable',
      `cannot read the metrics of ${component}: ${errorMessage(cause)}`,
      { hint: 'the identity needs `get` on the non-resource URL /metrics', cause },
    );
  }
}
