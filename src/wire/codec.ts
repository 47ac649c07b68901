import type { View } from './view.ts';

/** An etcd object is at most 1.5 MiB; its JSON is a few times that. Anything longer is not a watch event. */
export const frameBytesMax = 16 * 1024 * 1024;

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
 * object, or as much of it as `view` says, each only when it is called: most events of a hollow node (its own writes,
 * echoed) need no more than the resourceVersion or the metadata.
 */
export type RawWatchEvent = {
  type: WatchEventType;
  resourceVersion: string;
  metadata(): EventMetadata;
  object(view?: View): unknown;
  /** Bytes on the wire, framing included. */
  sizeBytes: number;
};

/** Cuts a watch response's bytes into events; keeps an incomplete one until its rest arrives. */
export interface WatchDecoder {
  /** @throws WireFault when a frame exceeds the bound or cannot be read. */
  push(chunk: Buffer): RawWatchEvent[];
}

/** What a client asks for and sends. The first is what a real node has. */
export const wireFormats = ['protobuf', 'json'] as const;
export type WireFormat = (typeof wireFormats)[number];

/**
 * How objects look on the wire. PATCH bodies are JSON under every codec (as a real kubelet's are). What the API server
 * answers with is its own choice among what was accepted: `codecOf` in negotiation.ts.
 */
export interface Codec {
  readonly name: WireFormat;
  /** The content type of request bodies. */
  readonly contentType: string;
  /** The Accept header of requests and watches alike. */
  readonly accept: string;
  /**
   * `object` has its apiVersion and kind.
   * @throws HollowmarkError `internal` when it is of no kind that the codec knows, or a value not of its field's type.
   */
  encode(object: unknown): Buffer;
  /**
   * An object as it is in JSON. Fields outside `view` may be missing: JSON has them all the same.
   * @throws WireFault when the bytes are not of this codec.
   */
  decode(bytes: Buffer, view?: View): unknown;
  watchDecoder(): WatchDecoder;
}
