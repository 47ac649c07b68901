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
 * The samples whose name begins with one of the prefixes.
 *
 * `parse-prometheus-text-format` 1.1.1 reads the lines, but never the whole text: given the TYPE lines it folds all
 * series of a histogram into one and drops their labels (of 44 series of apiserver_request_sli_duration_seconds one is
 * left), and the 1.8 MB of an idle API server keep it busy for 50 to 70 ms. So the wanted lines are cut out first,
 * without their TYPE: 5 ms for that family. The text itself is scanned at about 1 GB/s.
 * Called before the first measured phase and after the last only, as is {@link scrape}: under load even 5 ms on the
 * main thread would show in what is measured there.
 */
export function parsePrometheus(text: string, prefixes: readonly string[]): PrometheusSample[] {
  const lines: string[] = [];
  for (const prefix of prefixes) {
    for (let at = nextLine(text, prefix, 0); at >= 0; at = nextLine(text, prefix, at + 1)) {
      const end = text.indexOf('\n', at);
      lines.push(text.slice(at, end < 0 ? undefined : end));
    }
  }
  const samples: PrometheusSample[] = [];
  // The parser forgets a last line that has no line feed.
  for (const family of parsePrometheusTextFormat(`${lines.join('\n')}\n`)) {
    for (const metric of family.metrics) {
      const value = numberOf(metric.value);
      if (value !== undefined) samples.push({ name: family.name, labels: metric.labels ?? {}, value });
    }
  }
  return samples;
}

/** Where the next line that begins with `prefix` begins, at or after `from`; -1 without one. */
function nextLine(text: string, prefix: string, from: number): number {
  if (from === 0 && text.startsWith(prefix)) return 0;
  const at = text.indexOf(`\n${prefix}`, Math.max(0, from - 1));
  return at < 0 ? -1 : at + 1;
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
