/** One event of a watch stream. `ERROR` carries a Status as its object. */
export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** The few fields of an object's metadata that tell what became of it. */
export type EventMetadata = {
  uid: string;
  /** 0 where the object has none. */
  generation: number;
  /** Whether it has a deletionTimestamp. */
  deleting: boolean;
};

/**
 * What a reader does with one watch event, as the codec finds it. `metadata` looks at a few fields, `object` decodes the
 * whole object, each only when it is called: most events of a hollow node (its own writes, echoed) need no more than
 * the resourceVersion or the metadata.
 */
export type RawWatchEvent = {
  type: WatchEventType;
  resourceVersion: string;
  metadata(): EventMetadata;
  object(): unknown;
  /** Bytes on the wire, framing included. */
  sizeBytes: number;
};

/** Cuts a watch response's bytes into events; keeps an incomplete one until its rest arrives. */
export interface WatchDecoder {
  /** @throws HollowmarkError `internal` when a frame exceeds the bound or cannot be read. */
  push(chunk: Buffer): RawWatchEvent[];
}

/**
 * How objects look on the wire. JSON is the only one for now; protobuf takes the same place. PATCH bodies are JSON
 * under every codec (as a real kubelet's are).
 */
export interface Codec {
  readonly name: 'json' | 'protobuf';
  /** The content type of request bodies. */
  readonly contentType: string;
  /** The Accept header of plain requests and of watches. */
  readonly accept: string;
  readonly watchAccept: string;
  encode(object: unknown): Buffer;
  /** @throws HollowmarkError `internal` when the bytes are not of this codec. */
  decode(bytes: Buffer): unknown;
  watchDecoder(): WatchDecoder;
}
