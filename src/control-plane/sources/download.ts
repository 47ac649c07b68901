import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type IncomingMessage, get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '../../base/errors.ts';
import { shownUrl } from '../../base/shown-url.ts';

/** How long a download may take and how large it may be. */
export type DownloadLimits = {
  /** Until there is a connection (name lookup included). */
  connectMs: number;
  /** Without a byte, once there is a connection. */
  idleMs: number;
  /** For the whole file. */
  totalMs: number;
  bytesMax: number;
};

/** A release site that does not answer at once is as good as none: the Go build takes less than waiting would. */
export const defaultDownloadLimits: DownloadLimits = {
  connectMs: 5_000,
  idleMs: 15_000,
  totalMs: 15 * 60_000,
  // kube-apiserver v1.36 has about 90 MB.
  bytesMax: 1024 * 1024 * 1024,
};

const redirectsMax = 5;

export type Download = { url: string; limits: DownloadLimits; signal: AbortSignal };

/**
 * Fetches a small text (a checksum file).
 * @throws Error that names the URL, for any answer but 200, a fault of the transfer, or a limit passed.
 */
export async function fetchText(download: Download, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, callback) {
      chunks.push(chunk);
      callback();
    },
  });
  await transfer({ ...download, limits: { ...download.limits, bytesMax } }, () => {}, sink);
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Fetches a file to `path`, which must not be there yet, and hashes it on the way.
 * @returns the SHA-256 as lower-case hex.
 * @throws as {@link fetchText}.
 */
export async function fetchFile(
  download: Download,
  path: string,
  onProgress: (bytes: number, bytesTotal: number | undefined) => void,
): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  const onChunk: OnChunk = (chunk, bytesTotal) => {
    bytes += chunk.length;
    hash.update(chunk);
    onProgress(bytes, bytesTotal);
  };
  await transfer(download, onChunk, createWriteStream(path, { flags: 'wx', mode: 0o755 }));
  return hash.digest('hex');
}

type OnChunk = (chunk: Buffer, bytesTotal: number | undefined) => void;

/** Fetches `url`, following redirects, into `sink`, within the limits. */
async function transfer(download: Download, onChunk: OnChunk, sink: Writable): Promise<void> {
  const { limits } = download;
  const deadline = AbortSignal.timeout(limits.totalMs);
  const signal = AbortSignal.any([download.signal, deadline]);
  try {
    const response = await open(download.url, limits, signal);
    const length = Number(response.headers['content-length']);
    const bytesTotal = Number.isFinite(length) ? length : undefined;
    await pipeline(
      response,
      meter(limits.bytesMax, (chunk) => onChunk(chunk, bytesTotal)),
      sink,
    );
  } catch (error) {
    sink.destroy();
    download.signal.throwIfAborted();
    const reason = deadline.aborted ? `not complete after ${limits.totalMs / 1000} s` : faultText(error);
    throw new Error(`${shownUrl(download.url)}: ${reason}`, { cause: error });
  }
}

/** Node says "aborted" when the other side ends a connection in the middle of an answer. */
function faultText(error: unknown): string {
  const text = errorMessage(error);
  return text === 'aborted' ? 'the connection was cut before the end of the file' : text;
}

async function open(url: string, limits: DownloadLimits, signal: AbortSignal): Promise<IncomingMessage> {
  let current = new URL(url);
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const response = await getOnce(current, limits, signal);
    const status = response.statusCode ?? 0;
    if (status === 200) return response;
    response.destroy();
    const { location } = response.headers;
    if (status < 300 || status >= 400 || location === undefined) throw new Error(`HTTP status ${status}`);
    const next = new URL(location, current);
    if (current.protocol === 'https:' && next.protocol !== 'https:') {
      throw new Error(`redirected to ${shownUrl(next.href)}, which is not protected by TLS`);
    }
    current = next;
  }
  throw new Error(`more than ${redirectsMax} redirects`);
}

function getOnce(url: URL, limits: DownloadLimits, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (url.protocol !== 'https:' && url.protocol !== 'http:') {
      reject(new Error('neither http nor https'));
      return;
    }
    const get = url.protocol === 'https:' ? httpsGet : httpGet;
    const noData = `no data for ${limits.idleMs} ms`;
    let connected = false;
    const request = get(url, { agent: false, signal, timeout: limits.connectMs });
    request.on('socket', (socket) => {
      socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
        connected = true;
        socket.setTimeout(limits.idleMs);
      });
    });
    const onTimeout = (): void => {
      const text = connected ? noData : `no connection in ${limits.connectMs} ms`;
      request.destroy(new Error(text));
    };
    request.on('timeout', onTimeout);
    request.on('error', reject);
    request.on('response', (response) => {
      // From here on a fault must reach who reads the answer, and destroying the request would say just "aborted".
      request.off('timeout', onTimeout);
      response.setTimeout(limits.idleMs, () => response.destroy(new Error(noData)));
      resolve(response);
    });
  });
}

/** Passes bytes on, tells of them, and fails when they become too many. */
function meter(bytesMax: number, onChunk: (chunk: Buffer) => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      bytes += chunk.length;
      if (bytes > bytesMax) {
        callback(new Error(`larger than ${bytesMax} bytes`));
        return;
      }
      onChunk(chunk);
      callback(null, chunk);
    },
  });
}
