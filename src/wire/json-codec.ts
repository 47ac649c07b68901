import { HollowmarkError } from '../base/errors.ts';
import type { Codec, RawWatchEvent, WatchDecoder, WatchEventType } from './codec.ts';

/** An etcd object is at most 1.5 MiB; its JSON is a few times that. Anything longer is not a watch event. */
const frameBytesMax = 16 * 1024 * 1024;

const newline = 0x0a;
const typePrefix = '{"type":"';
const versionKey = '"resourceVersion":"';

class JsonWatchEvent implements RawWatchEvent {
  readonly type: WatchEventType;
  readonly resourceVersion: string;
  readonly sizeBytes: number;
  private readonly text: string;

  constructor(text: string, sizeBytes: number) {
    this.text = text;
    this.sizeBytes = sizeBytes;
    // `{"type":"ADDED","object":{…}}` is how every API server writes it; metadata.resourceVersion is the first
    // resourceVersion in the object, since metadata precedes whatever else could carry one.
    const typeEnd = text.startsWith(typePrefix) ? text.indexOf('"', typePrefix.length) : -1;
    if (typeEnd > 0) {
      this.type = text.slice(typePrefix.length, typeEnd) as WatchEventType;
      const versionAt = text.indexOf(versionKey, typeEnd);
      this.resourceVersion =
        versionAt < 0
          ? ''
          : text.slice(versionAt + versionKey.length, text.indexOf('"', versionAt + versionKey.length));
    } else {
      const parsed = parse(text) as {
        type?: WatchEventType;
        object?: { metadata?: { resourceVersion?: string } };
      };
      this.type = parsed.type ?? 'ERROR';
      this.resourceVersion = parsed.object?.metadata?.resourceVersion ?? '';
    }
  }

  object(): unknown {
    return (parse(this.text) as { object?: unknown }).object;
  }
}

class JsonWatchDecoder implements WatchDecoder {
  private rest: Buffer | undefined;

  push(chunk: Buffer): RawWatchEvent[] {
    const events: RawWatchEvent[] = [];
    let bytes = chunk;
    if (this.rest !== undefined) {
      bytes = Buffer.concat([this.rest, chunk]);
      this.rest = undefined;
    }
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      if (end > start) events.push(new JsonWatchEvent(bytes.toString('utf8', start, end), end - start + 1));
      start = end + 1;
    }
    if (start < bytes.length) {
      if (bytes.length - start > frameBytesMax) {
        throw new HollowmarkError('internal', `watch frame of more than ${frameBytesMax} bytes`);
      }
      // A copy: the rest must not keep the whole chunk alive.
      this.rest = Buffer.from(bytes.subarray(start));
    }
    return events;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HollowmarkError('internal', `not JSON on the wire: ${text.slice(0, 120)}`, { cause });
  }
}

export const jsonCodec: Codec = {
  name: 'json',
  contentType: 'application/json',
  accept: 'application/json',
  watchAccept: 'application/json',
  encode: (object) => Buffer.from(JSON.stringify(object)),
  decode: (bytes) => parse(bytes.toString('utf8')),
  watchDecoder: () => new JsonWatchDecoder(),
};
