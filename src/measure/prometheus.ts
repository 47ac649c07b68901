import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import parsePrometheusTextFormat from 'parse-prometheus-text-format';
import type { Clock } from '../base/clock.ts';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import type { ClientCertificate } from '../kube/identity.ts';

/** A loaded API server answers with 2 to 10 MB. */
const textBytesMax = 128 * 1024 * 1024;

const scrapeTimeoutMs = 30_000;

/** Where a component tells its metrics, and how one proves to be allowed to read them. */
export type ScrapeTarget = {
  /** `kube-apiserver`, … */
  component: string;
  /** `https://127.0.0.1:6443/metrics` */
  url: string;
  caPem: string;
  certificate: ClientCertificate;
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
 * Fetches a component's metrics as text.
 * @throws HollowmarkError `cluster-unavailable` when there is no answer in 30 s or another status than 200.
 */
export async function scrape(target: ScrapeTarget, clock: Clock): Promise<string> {
  try {
    return await fetchText(target, clock);
  } catch (cause) {
    throw new HollowmarkError(
      'cluster-unavailable',
      `cannot read the metrics of ${target.component} at ${target.url}: ${errorMessage(cause)}`,
      { hint: 'the identity needs `get` on the non-resource URL /metrics', cause },
    );
  }
}

function fetchText(target: ScrapeTarget, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      target.url,
      {
        ca: target.caPem,
        cert: target.certificate.certPem,
        key: target.certificate.keyPem,
        headers: { accept: 'text/plain;version=0.0.4' },
        agent: false,
      },
      (response) => readText(response, resolve, reject),
    );
    const deadline = clock.timer(scrapeTimeoutMs, () =>
      call.destroy(new Error(`no complete answer in ${scrapeTimeoutMs / 1000} s`)),
    );
    call.on('error', reject);
    call.on('close', () => deadline.cancel());
    call.end();
  });
}

function readText(
  response: IncomingMessage,
  resolve: (text: string) => void,
  reject: (error: Error) => void,
): void {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  response.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > textBytesMax) response.destroy(new Error(`more than ${textBytesMax} bytes`));
    else chunks.push(chunk);
  });
  response.on('error', reject);
  response.on('end', () => {
    if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
    else reject(new Error(`HTTP ${response.statusCode}`));
  });
}
