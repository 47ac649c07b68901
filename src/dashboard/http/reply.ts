import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

/** What a page's address asks for: the parts of its path, decoded, and its parameters. */
export type PageRequest = { path: readonly string[]; query: URLSearchParams };

export type Reply =
  | {
      status: number;
      type: string;
      /** A stream is ended by whoever sends it, also when nobody reads it to its end. */
      body: string | Uint8Array | Readable;
      /** In place of that of our own pages. */
      policy?: string;
      /** How long a browser may keep it; absent: not at all. */
      maxAgeSeconds?: number;
      /** Of a stream, where it is known. */
      lengthBytes?: number;
    }
  /** The answer goes on for as long as somebody listens. */
  | { stream: (response: ServerResponse) => void; type: string };

export const htmlType = 'text/html; charset=utf-8';
export const textType = 'text/plain; charset=utf-8';
export const jsonType = 'application/json; charset=utf-8';

/** One sentence, and nothing that came with the request. */
export function plainReply(status: number, text: string): Reply {
  return { status, type: textType, body: `${text}\n` };
}

export const notFound = plainReply(404, 'There is no such page.');
