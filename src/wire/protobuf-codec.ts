import { HollowmarkError } from '../base/errors.ts';
import {
  type Codec,
  type EventMetadata,
  type RawWatchEvent,
  type WatchDecoder,
  type WatchEventType,
  frameBytesMax,
} from './codec.ts';
import { readMessage } from './decode.ts';
import { writeMessage } from './encode.ts';
import { type Envelope, readEnvelope, writeEnvelope } from './envelope.ts';
import { Reader, wireFault } from './reader.ts';
import { messageOf } from './schema.ts';
import { type View, everything } from './view.ts';
import { WireFault } from './wire-fault.ts';
import { Writer } from './writer.ts';

const eventTypes: ReadonlySet<string> = new Set<WatchEventType>([
  'ADDED',
  'MODIFIED',
  'DELETED',
  'BOOKMARK',
  'ERROR',
]);

/** Every frame of a watch begins with its length, big-endian. */
const headerBytes = 4;

/** Keys of the fields that are read of an object before anything else: metadata, and those of ObjectMeta. */
const keys = {
  metadata: (1 << 3) | 2,
  uid: (5 << 3) | 2,
  resourceVersion: (6 << 3) | 2,
  generation: 7 << 3,
  deletionTimestamp: (9 << 3) | 2,
} as const;

function readObject(bytes: Buffer, { apiVersion, kind, start, end }: Envelope, view: View): unknown {
  const message = messageOf(apiVersion, kind);
  if (message === undefined) throw wireFault(`no table for ${apiVersion} ${kind}`);
  const object: Record<string, unknown> = { kind, apiVersion };
  readMessage(new Reader(bytes, start), end, view.planOf(message), object);
  return object;
}

/**
 * A metav1.WatchEvent, which holds its object in an envelope. It keeps the frame's bytes, so it is to be read when it
 * comes and let go.
 */
class ProtobufWatchEvent implements RawWatchEvent {
  readonly type: WatchEventType;
  readonly resourceVersion: string;
  readonly sizeBytes: number;
  private readonly bytes: Buffer;
  /** Where the object's envelope lies. */
  private start = 0;
  private end = 0;
  /** Where its metadata lies. */
  private metadataStart = 0;
  private metadataEnd = 0;

  /** @throws HollowmarkError `internal` when the frame cannot be read as far as the resourceVersion. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes;
    this.sizeBytes = end - start + headerBytes;
    const reader = new Reader(bytes, start);
    let type = '';
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === 0x0a) type = reader.string(reader.endOf(end));
      else if (tag === 0x12) this.findObject(reader, reader.endOf(end));
      else reader.skip(tag, end);
    }
    reader.expectEnd(end);
    if (!eventTypes.has(type)) throw wireFault(`a watch event of type ${JSON.stringify(type.slice(0, 32))}`);
    this.type = type as WatchEventType;
    this.resourceVersion = type === 'ERROR' ? '' : this.findVersion();
  }

  metadata(): EventMetadata {
    const metadata: EventMetadata = { uid: '', generation: 0, deleting: false };
    const reader = new Reader(this.bytes, this.metadataStart);
    const end = this.metadataEnd;
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === keys.uid) metadata.uid = reader.string(reader.endOf(end));
      else if (tag === keys.generation) metadata.generation = reader.int();
      else {
        if (tag === keys.deletionTimestamp) metadata.deleting = true;
        reader.skip(tag, end);
      }
    }
    reader.expectEnd(end);
    return metadata;
  }

  object(view = everything): unknown {
    return readObject(this.bytes, readEnvelope(this.bytes, this.start, this.end, true), view);
  }

  /** In the RawExtension that ends at `end`. */
  private findObject(reader: Reader, end: number): void {
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === 0x0a) {
        this.end = reader.endOf(end);
        this.start = reader.position;
        reader.position = this.end;
      } else reader.skip(tag, end);
    }
    reader.expectEnd(end);
  }

  /** Also finds the metadata, which every object has as its field 1. */
  private findVersion(): string {
    const { start, end } = readEnvelope(this.bytes, this.start, this.end, false);
    const reader = new Reader(this.bytes, start);
    while (reader.position < end) {
      const tag = reader.tag();
      if (tag === keys.metadata) {
        this.metadataEnd = reader.endOf(end);
        this.metadataStart = reader.position;
        break;
      }
      reader.skip(tag, end);
    }
    while (reader.position < this.metadataEnd) {
      const tag = reader.tag();
      if (tag === keys.resourceVersion) return reader.string(reader.endOf(this.metadataEnd));
      reader.skip(tag, this.metadataEnd);
    }
    return '';
  }
}

class ProtobufWatchDecoder implements WatchDecoder {
  /** The chunks of a frame whose end has not come yet, and how many bytes it takes to go on. */
  private chunks: Buffer[] = [];
  private chunksBytes = 0;
  private wantedBytes = 0;

  push(chunk: Buffer): RawWatchEvent[] {
    let bytes = chunk;
    if (this.chunks.length > 0) {
      this.chunks.push(chunk);
      this.chunksBytes += chunk.length;
      if (this.chunksBytes < this.wantedBytes) return [];
      bytes = Buffer.concat(this.chunks, this.chunksBytes);
      this.chunks = [];
    }
    const events: RawWatchEvent[] = [];
    let at = 0;
    let wantedBytes = headerBytes;
    while (bytes.length - at >= headerBytes) {
      const sizeBytes = bytes.readUInt32BE(at);
      if (sizeBytes > frameBytesMax) {
        throw new WireFault(`watch frame of more than ${frameBytesMax} bytes`);
      }
      const start = at + headerBytes;
      if (bytes.length - start < sizeBytes) {
        wantedBytes += sizeBytes;
        break;
      }
      at = start + sizeBytes;
      events.push(new ProtobufWatchEvent(bytes, start, at));
    }
    if (at < bytes.length) {
      // A copy: the rest must not keep the whole chunk alive.
      this.chunks = [Buffer.from(bytes.subarray(at))];
      this.chunksBytes = bytes.length - at;
      this.wantedBytes = wantedBytes;
    }
    return events;
  }
}

const writer = new Writer();

function encode(object: unknown): Buffer {
  const { apiVersion = '', kind = '' } = object as { apiVersion?: string; kind?: string };
  const message = messageOf(apiVersion, kind);
  if (message === undefined) {
    throw new HollowmarkError('internal', `no table to write ${apiVersion} ${kind} as protobuf`);
  }
  writer.clear();
  writeEnvelope(writer, apiVersion, kind, () =>
    writeMessage(writer, message, object as Record<string, unknown>),
  );
  return writer.take();
}

/**
 * Accept is the kubelet's, for requests and watches alike (cmd/kubelet/app/server.go); the API server answers watches
 * with `;stream=watch` behind the type.
 */
export const protobufCodec: Codec = {
  name: 'protobuf',
  contentType: 'application/vnd.kubernetes.protobuf',
  accept: 'application/vnd.kubernetes.protobuf,application/json',
  encode,
  decode: (bytes, view = everything) => readObject(bytes, readEnvelope(bytes, 0, bytes.length, true), view),
  watchDecoder: () => new ProtobufWatchDecoder(),
};
