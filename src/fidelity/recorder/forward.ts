import type { IncomingHttpHeaders } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type Http2ServerRequest,
  type Http2ServerResponse,
  constants,
} from 'node:http2';
import type { RecordedRequest } from './recording.ts';

/** A write's body that is longer is not kept: the largest of a kubelet is a node's status of some 30 KB. */
export const bodyBytesMax = 256 * 1024;

/** Who sends, as its certificate says: what the API server reads from CN and O. Undefined: it has none. */
export type Sender = { user: string; groups: readonly string[] } | undefined;

/** Of one hop only (RFC 9110, 7.6.1), or made anew for the next one. */
const hopHeaders = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** The headers of a request as the API server is to see them. */
export function upstreamHeaders(
  { method, url, headers }: { method: string; url: string; headers: IncomingHttpHeaders },
  sender: Sender,
): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = { ':method': method, ':path': url };
  for (const [name, value] of Object.entries(headers)) {
    // Whoever says such a thing of himself is not to be believed.
    const ours = name.startsWith(':') || name.startsWith('x-remote-') || hopHeaders.has(name);
    if (!ours && value !== undefined) result[name] = value;
  }
  if (sender !== undefined) {
    result['x-remote-user'] = sender.user;
    if (sender.groups.length > 0) result['x-remote-group'] = [...sender.groups];
  }
  return result;
}

/** Whether a body is worth keeping: a write's, and text. */
function keepsBody({ method, requestType }: RecordedRequest): boolean {
  return method !== 'GET' && requestType.includes('json');
}

/**
 * Passes one request on, byte by byte as it comes, and its answer back, and writes down what went by.
 * @param record is filled in as the request goes on.
 * @param nowUs microseconds since the epoch.
 */
export function forward(
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  upstream: ClientHttp2Session,
  sender: Sender,
  record: RecordedRequest,
  nowUs: () => number,
): void {
  let stream: ClientHttp2Stream;
  try {
    const { method, url, headers } = request;
    stream = upstream.request(upstreamHeaders({ method, url, headers }, sender), { endStream: false });
  } catch {
    // The API server has ended the connection: the client's ends with it.
    record.endUs = nowUs();
    refuse(response);
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => {
    record.upBytes += chunk.length;
    if (record.upBytes <= bodyBytesMax && keepsBody(record)) chunks.push(chunk);
  });
  request.once('end', () => {
    if (chunks.length > 0 && record.upBytes <= bodyBytesMax) {
      record.body = Buffer.concat(chunks).toString('utf8');
    }
  });
  request.pipe(stream);
  stream.once('response', (headers) => {
    const { ':status': status = 0, ...rest } = headers;
    record.status = status;
    record.responseType = headers['content-type'] ?? '';
    record.auditId = String(headers['audit-id'] ?? '');
    if (response.destroyed || response.headersSent) return;
    response.writeHead(status, withoutHops(rest));
    // HTTP/1.1 would wait for the first byte of the body, which a watch may not have for minutes.
    (response as { flushHeaders?: () => void }).flushHeaders?.();
  });
  stream.on('data', (chunk: Buffer) => {
    record.downBytes += chunk.length;
    // Backpressure: a client that does not read is a client that the API server is to notice.
    if (!response.write(chunk)) stream.pause();
  });
  response.on('drain', () => stream.resume());
  stream.on('error', () => {});
  response.on('error', () => {});
  stream.once('close', () => {
    record.endUs ??= nowUs();
    if (record.status !== 0 && stream.rstCode === constants.NGHTTP2_NO_ERROR) response.end();
    else refuse(response, stream.rstCode);
  });
  // The client has left, or has got all.
  response.once('close', () => {
    record.endUs ??= nowUs();
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL);
  });
}

function withoutHops(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] =>
        entry[1] !== undefined && !entry[0].startsWith(':') && !hopHeaders.has(entry[0]),
    ),
  );
}

/** Ends a request that has no answer as its server ended it. */
function refuse(response: Http2ServerResponse, code: number = constants.NGHTTP2_REFUSED_STREAM): void {
  // Of HTTP/1.1, where there is no stream.
  const { stream } = response as { stream?: Http2ServerResponse['stream'] };
  if (stream === undefined) response.destroy();
  else if (!stream.closed) stream.close(code);
}
