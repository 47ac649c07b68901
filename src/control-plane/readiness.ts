import { request } from 'node:https';
import { type Clock, sleep } from '../base/clock.ts';
import type { ClientCertificate } from '../kube/identity.ts';
import { loopback } from './argv/config.ts';

/** Between two probes: short against a start of 3 s, long against a handshake of 2 ms. */
const probeIntervalMs = 40;
const probeTimeoutMs = 2_000;
/** A health answer is some bytes; nobody needs more of one. */
const answerCharsMax = 4_096;

/** One question to a component, over HTTPS on loopback. */
export type Probe = {
  port: number;
  path: string;
  caPem: string;
  client: ClientCertificate | undefined;
  isReady: (status: number, body: string) => boolean;
};

/**
 * Asks until the answer is right.
 * @returns `undefined` when it was, else the last answer or fault, when `limitMs` has passed.
 * @throws the signal's reason when it aborts first.
 */
export async function waitUntilReady(
  clock: Clock,
  probe: Probe,
  limitMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const deadlineUs = clock.nowUs() + limitMs * 1000;
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask(probe, signal);
    if (answer.ready) return undefined;
    if (clock.nowUs() >= deadlineUs) return answer.text;
    await sleep(clock, probeIntervalMs, signal);
  }
}

function ask(probe: Probe, signal: AbortSignal): Promise<{ ready: boolean; text: string }> {
  return new Promise((resolve) => {
    const outgoing = request({
      host: loopback,
      port: probe.port,
      path: probe.path,
      ca: probe.caPem,
      ...(probe.client === undefined ? {} : { cert: probe.client.certPem, key: probe.client.keyPem }),
      agent: false,
      timeout: probeTimeoutMs,
      signal,
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${probeTimeoutMs} ms`)));
    outgoing.on('error', (error) => resolve({ ready: false, text: error.message }));
    outgoing.on('response', (incoming) => {
      let body = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        if (body.length < answerCharsMax) body += chunk;
      });
      incoming.on('error', (error) => resolve({ ready: false, text: error.message }));
      incoming.on('end', () => {
        const status = incoming.statusCode ?? 0;
        resolve({ ready: probe.isReady(status, body), text: `${status} ${body.slice(0, 1000)}` });
      });
    });
    outgoing.end();
  });
}
