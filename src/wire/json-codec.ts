import {
  type Codec,
  type EventMetadata,
  type RawWatchEvent,
  type WatchDecoder,
  type WatchEventType,
  frameBytesMax,
} from './codec.ts';
import { WireFault } from './wire-fault.ts';

const newline = 0x0a;
const typePrefix = '{"type":"';
const versionKey = '"resourceVersion":"';
const uidKey = '"uid":"';
const generationKey = '"generation":';
const deletionKey = '"deletionTimestamp":"';

/** The string value of the first `key` in `text`; empty without one. Kubernetes' own identifiers hold no escapes. */
function stringAfter(text: string, key: string, from = 0): string {
  const at = text.indexOf(key, from);
  return at < 0 ? '' : text.slice(at + key.length, text.indexOf('"', at + key.length));
}

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
      this.resourceVersion = stringAfter(text, versionKey, typeEnd);
    } else {
      const parsed = parse(text) as {
        type?: WatchEventType;
        object?: { metadata?: { resourceVersion?: string } };
      };
      this.type = parsed.type ?? 'ERROR';
      this.resourceVersion = parsed.object?.metadata?.resourceVersion ?? '';
    }
  }

  /**
   * Reads the fields from the text. Sound because an API server writes metadata first and its fields in a fixed order
   * (uid before the owners' uids, deletionTimestamp before the annotations), and because a quote inside a string value
   * is escaped: the patterns, which hold unescaped quotes, match keys only.
   */
  metadata(): EventMetadata {
    const { text } = this;
    const generationAt = text.indexOf(generationKey);
    return {
      uid: stringAfter(text, uidKey),
      generation: generationAt < 0 ? 0 : Number.parseInt(text.slice(generationAt + generationKey.length), 10),
      deleting: text.includes(deletionKey),
    };
  }

  object(): unknown {
    return (parse(this.text) as { object?: unknown }).object;
  }
}

class JsonWatchDecoder implements WatchDecoder {
  /** The chunks of a line whose end has not come yet. */
  private chunks: Buffer[] = [];
  private chunksBytes = 0;

  push(chunk: Buffer): RawWatchEvent[] {
    const events: RawWatchEvent[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = this.lineOf(chunk.subarray(start, end));
      if (line.length > 0) events.push(new JsonWatchEvent(line.toString('utf8'), line.length + 1));
      start = end + 1;
    }
    if (start < chunk.length) {
      this.chunksBytes += chunk.length - start;
      if (this.chunksBytes > frameBytesMax) {
        throw new WireFault(`watch frame of more than ${frameBytesMax} bytes`);
      }
      // A copy: the rest must not keep the whole chunk alive.
      this.chunks.push(start === 0 ? chunk : Buffer.from(chunk.subarray(start)));
    }
    return events;
  }

  /** The line whose last bytes are `tail`: joined once, however many chunks it came in. */
  private lineOf(tail: Buffer): Buffer {
    if (this.chunks.length === 0) return tail;
    const line = Buffer.concat([...this.chunks, tail], this.chunksBytes + tail.length);
    this.chunks = [];
    this.chunksBytes = 0;
    return line;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WireFault(`not JSON on the wire: ${text.slice(0, 120)}`, cause);
  }
}

export const jsonCodec: Codec = {
  name: 'json',
  contentType: 'application/json',
  accept: 'application/json',
  encode: (object) => Buffer.from(JSON.stringify(object)),
  decode: (bytes) => parse(bytes.toString('utf8')),
  watchDecoder: () => new JsonWatchDecoder(),
};
