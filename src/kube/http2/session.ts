import {
  FrameReader,
  broken,
  errorCodes,
  errorName,
  flags,
  frame,
  frameBytesMax,
  frameHeaderBytes,
  frameTypes,
  goAwayFrame,
  headerFragment,
  numberAt,
  numberFrame,
  preface,
  settingIds,
  settingsFrame,
  unpadded,
  writeFrameHeader,
} from './frames.ts';
import { HeaderEncoder, type HeaderValue, readResponseHead } from './hpack.ts';
import { Http2Stream, type StreamEnd, type StreamHandler } from './stream.ts';

/**
 * Windows as Go's client sets them in spirit: far above the default of 65,535 bytes, with which a burst of watch events
 * on one stream would stall all the others on the connection. They bound memory only when a reader is slow, and ours
 * never stops reading.
 */
const streamWindowBytes = 1024 * 1024;
const connectionWindowBytes = 4 * 1024 * 1024;

const defaultWindowBytes = 65_535;
const windowBytesMax = 0x7fffffff;

/** What a server allows on one connection until its SETTINGS frame says otherwise. */
const streamsMaxAssumed = 100;

/** Header blocks of answers are some 300 bytes. */
const headerBlockBytesMax = 64 * 1024;

/**
 * The first bytes of every connection: SETTINGS with a header table of size 0 (so that answers can be read without one),
 * no pushes, and both windows.
 */
const opening = Buffer.concat([
  preface,
  settingsFrame([
    [settingIds.headerTableSize, 0],
    [settingIds.enablePush, 0],
    [settingIds.initialWindowSize, streamWindowBytes],
  ]),
  numberFrame(frameTypes.windowUpdate, 0, connectionWindowBytes - defaultWindowBytes),
]);

const settingsAck = frame(frameTypes.settings, flags.ack, 0, Buffer.alloc(0));
const pingFrame = frame(frameTypes.ping, 0, 0, Buffer.alloc(8));

export interface SessionEvents {
  /** Bytes for the server. */
  send(bytes: Buffer): void;
  /** A stream has ended, or the server says how many it allows. */
  onRoom(): void;
  /** The server wants no further requests on this connection; those that it has not looked at are given back next. */
  onGoAway(): void;
  /** The last stream has ended, after {@link Http2Session.retire} or GOAWAY. */
  onDrained(): void;
  /** The server broke the protocol: the connection is of no more use. */
  onBroken(error: Error): void;
}

/**
 * The client's side of one HTTP/2 connection (RFC 9113): bytes in, bytes out, no I/O of its own. Much less than
 * `node:http2` does, for a fraction of its memory and CPU (docs/decisions/http2-client.md).
 */
export class Http2Session {
  private readonly events: SessionEvents;
  private readonly authority: string;
  private readonly encoder = new HeaderEncoder();
  private readonly reader = new FrameReader();
  private readonly streams = new Map<number, Http2Stream>();
  private nextId = 1;
  private streamsMax = streamsMaxAssumed;
  private streamWindowBytes = defaultWindowBytes;
  private sendWindowBytes = defaultWindowBytes;
  private receivedBytes = 0;
  /** A header block that goes on in CONTINUATION frames. */
  private partial: { streamId: number; flags: number; block: Buffer } | undefined;
  private settled = false;
  private draining = false;
  private ended = false;

  constructor(authority: string, events: SessionEvents) {
    this.authority = authority;
    this.events = events;
    events.send(opening);
  }

  /** How many more requests the connection can take. */
  get room(): number {
    return this.draining || this.ended || this.nextId > windowBytesMax
      ? 0
      : this.streamsMax - this.streams.size;
  }

  /** Only while there is {@link room}. */
  request(
    method: string,
    path: string,
    headers: Readonly<Record<string, HeaderValue>>,
    body: Buffer | undefined,
    handler: StreamHandler,
  ): Http2Stream {
    const id = this.nextId;
    this.nextId += 2;
    const stream = new Http2Stream(this, id, handler, this.streamWindowBytes);
    this.streams.set(id, stream);
    const block = this.encoder.encode(method, this.authority, path, headers);
    const fits =
      body !== undefined &&
      body.length <= frameBytesMax &&
      body.length <= stream.sendWindowBytes &&
      body.length <= this.sendWindowBytes;
    if (block.length <= frameBytesMax && (body === undefined || fits)) {
      this.sendWhole(stream, block, body);
      return stream;
    }
    this.sendBlock(id, block, body === undefined ? flags.endStream : 0);
    stream.unsent = body;
    this.sendBody(stream);
    return stream;
  }

  ping(): void {
    this.events.send(pingFrame);
  }

  /** Takes no more requests; {@link SessionEvents.onDrained} follows when the last one has ended. */
  retire(): void {
    if (this.draining) return;
    this.draining = true;
    this.drained();
  }

  cancel(stream: Http2Stream): void {
    if (this.streams.get(stream.id) !== stream) return;
    this.events.send(numberFrame(frameTypes.resetStream, stream.id, errorCodes.cancel));
    this.end(stream, { how: 'cancelled', reason: 'cancelled' });
  }

  /** Ends all streams: the connection is gone. */
  close(how: 'closed' | 'silent', reason: string): void {
    if (this.ended) return;
    this.ended = true;
    for (const stream of [...this.streams.values()]) {
      this.end(stream, { how, reason });
    }
  }

  /** What came from the server; `chunk` is not kept. */
  receive(chunk: Buffer): void {
    if (this.ended) return;
    try {
      this.reader.push(chunk, this.onFrame);
    } catch (error) {
      if (!this.ended) this.events.send(goAwayFrame(errorCodes.protocolError));
      this.events.onBroken(error as Error);
    }
  }

  private readonly onFrame = (type: number, frameFlags: number, streamId: number, payload: Buffer): void => {
    if (this.ended) return;
    if (!this.settled && type !== frameTypes.settings) throw broken('the server did not begin with SETTINGS');
    if (
      this.partial !== undefined &&
      (type !== frameTypes.continuation || streamId !== this.partial.streamId)
    ) {
      throw broken('a header block was interrupted');
    }
    switch (type) {
      case frameTypes.data:
        this.onData(frameFlags, streamId, payload);
        break;
      case frameTypes.headers:
        this.onHeaders(frameFlags, streamId, headerFragment(frameFlags, payload));
        break;
      case frameTypes.continuation:
        this.onContinuation(frameFlags, payload);
        break;
      case frameTypes.resetStream:
        this.onReset(streamId, numberAt(payload, 0));
        break;
      case frameTypes.settings:
        if ((frameFlags & flags.ack) === 0) this.onSettings(payload);
        break;
      case frameTypes.ping:
        if (payload.length !== 8) throw broken('a PING without 8 bytes');
        if ((frameFlags & flags.ack) === 0) {
          this.events.send(frame(frameTypes.ping, flags.ack, 0, payload));
        }
        break;
      case frameTypes.goAway:
        this.onGoAway(numberAt(payload, 0) & windowBytesMax, numberAt(payload, 4));
        break;
      case frameTypes.windowUpdate:
        this.onWindowUpdate(streamId, numberAt(payload, 0) & windowBytesMax);
        break;
      case frameTypes.pushPromise:
        throw broken('a push, which was not allowed');
      default:
      // Frames of other kinds are to be ignored (RFC 9113, 4.1).
    }
  };

  private onData(frameFlags: number, streamId: number, payload: Buffer): void {
    // Padding counts for the windows, and so do streams that are gone.
    this.receivedBytes += payload.length;
    if (this.receivedBytes >= connectionWindowBytes / 2) {
      this.events.send(numberFrame(frameTypes.windowUpdate, 0, this.receivedBytes));
      this.receivedBytes = 0;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    if (!stream.responded) throw broken('DATA before HEADERS');
    const data = (frameFlags & flags.padded) === 0 ? payload : unpadded(payload, 0);
    const last = (frameFlags & flags.endStream) !== 0;
    stream.receivedBytes += payload.length;
    if (!last && stream.receivedBytes >= streamWindowBytes / 2) {
      this.events.send(numberFrame(frameTypes.windowUpdate, streamId, stream.receivedBytes));
      stream.receivedBytes = 0;
    }
    if (data.length > 0) stream.handler.onData(Buffer.from(data));
    // The handler may have cancelled it.
    if (last && this.streams.get(streamId) === stream) this.complete(stream);
  }

  private onHeaders(frameFlags: number, streamId: number, block: Buffer): void {
    if ((frameFlags & flags.endHeaders) === 0) {
      this.partial = { streamId, flags: frameFlags, block: Buffer.from(block) };
      return;
    }
    const { status, contentType, retryAfterSeconds, date } = readResponseHead(block);
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    const last = (frameFlags & flags.endStream) !== 0;
    if (!stream.responded) {
      if (status === 0) throw broken('an answer without a status');
      // 1xx: the answer itself is still to come.
      if (status >= 200) {
        stream.responded = true;
        stream.handler.onResponse(status, contentType, retryAfterSeconds, date);
      }
    }
    if (last && this.streams.get(streamId) === stream) this.complete(stream);
  }

  private onContinuation(frameFlags: number, payload: Buffer): void {
    const { partial } = this;
    if (partial === undefined) throw broken('CONTINUATION without HEADERS');
    if (partial.block.length + payload.length > headerBlockBytesMax) {
      throw broken(`a header block of more than ${headerBlockBytesMax} bytes`);
    }
    const block = Buffer.concat([partial.block, payload]);
    this.partial = undefined;
    this.onHeaders(partial.flags | (frameFlags & flags.endHeaders), partial.streamId, block);
  }

  private onReset(streamId: number, code: number): void {
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    const how = code === errorCodes.refusedStream ? 'refused' : 'reset';
    this.end(stream, { how, reason: `stream reset: ${errorName(code)}` });
  }

  private onSettings(payload: Buffer): void {
    if (payload.length % 6 !== 0) throw broken('SETTINGS that are cut off');
    this.settled = true;
    for (let at = 0; at < payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      switch (payload.readUInt16BE(at)) {
        case settingIds.headerTableSize:
          this.encoder.limitTable(value);
          break;
        case settingIds.maxConcurrentStreams:
          this.streamsMax = value;
          break;
        case settingIds.initialWindowSize:
          this.setStreamWindow(value);
          break;
      }
    }
    this.events.send(settingsAck);
    for (const stream of [...this.streams.values()]) this.sendBody(stream);
    this.events.onRoom();
  }

  /** Holds for open streams too, whose windows may become negative (RFC 9113, 6.9.2). */
  private setStreamWindow(sizeBytes: number): void {
    if (sizeBytes > windowBytesMax) throw broken('a window of more than 31 bits');
    for (const stream of this.streams.values()) stream.sendWindowBytes += sizeBytes - this.streamWindowBytes;
    this.streamWindowBytes = sizeBytes;
  }

  private onGoAway(lastStreamId: number, code: number): void {
    this.draining = true;
    this.events.onGoAway();
    const reason = `GOAWAY: ${errorName(code)}`;
    for (const stream of [...this.streams.values()]) {
      if (stream.id > lastStreamId) this.end(stream, { how: 'refused', reason }, false);
    }
    this.drained();
  }

  private onWindowUpdate(streamId: number, moreBytes: number): void {
    if (streamId === 0) {
      this.sendWindowBytes += moreBytes;
      if (this.sendWindowBytes > windowBytesMax) throw broken('a window of more than 31 bits');
      for (const stream of [...this.streams.values()]) this.sendBody(stream);
      return;
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    stream.sendWindowBytes += moreBytes;
    this.sendBody(stream);
  }

  /** HEADERS, and DATA where there is a body, in one piece. */
  private sendWhole(stream: Http2Stream, block: Buffer, body: Buffer | undefined): void {
    const dataBytes = body === undefined ? 0 : frameHeaderBytes + body.length;
    const bytes = Buffer.allocUnsafe(frameHeaderBytes + block.length + dataBytes);
    const headerFlags = flags.endHeaders | (body === undefined ? flags.endStream : 0);
    writeFrameHeader(bytes, 0, block.length, frameTypes.headers, headerFlags, stream.id);
    block.copy(bytes, frameHeaderBytes);
    if (body !== undefined) {
      const at = frameHeaderBytes + block.length;
      writeFrameHeader(bytes, at, body.length, frameTypes.data, flags.endStream, stream.id);
      body.copy(bytes, at + frameHeaderBytes);
      this.sendWindowBytes -= body.length;
    }
    this.events.send(bytes);
  }

  private sendBlock(streamId: number, block: Buffer, headerFlags: number): void {
    for (let at = 0; at === 0 || at < block.length; at += frameBytesMax) {
      const piece = block.subarray(at, at + frameBytesMax);
      const type = at === 0 ? frameTypes.headers : frameTypes.continuation;
      const last = at + piece.length === block.length ? flags.endHeaders : 0;
      this.events.send(frame(type, (at === 0 ? headerFlags : 0) | last, streamId, piece));
    }
  }

  /** As much of the body as both windows allow. */
  private sendBody(stream: Http2Stream): void {
    while (stream.unsent !== undefined) {
      const { unsent } = stream;
      const lengthBytes = Math.min(
        unsent.length,
        frameBytesMax,
        stream.sendWindowBytes,
        this.sendWindowBytes,
      );
      if (lengthBytes <= 0 && unsent.length > 0) return;
      const last = lengthBytes === unsent.length;
      const piece = unsent.subarray(0, lengthBytes);
      stream.sendWindowBytes -= lengthBytes;
      this.sendWindowBytes -= lengthBytes;
      stream.unsent = last ? undefined : unsent.subarray(lengthBytes);
      this.events.send(frame(frameTypes.data, last ? flags.endStream : 0, stream.id, piece));
    }
  }

  private complete(stream: Http2Stream): void {
    if (!stream.responded) throw broken('a stream ended without an answer');
    // The answer may come before the whole request was sent: the server does not want the rest.
    if (stream.unsent !== undefined) {
      this.events.send(numberFrame(frameTypes.resetStream, stream.id, errorCodes.noError));
    }
    this.end(stream, { how: 'complete', reason: '' });
  }

  private end(stream: Http2Stream, how: StreamEnd, drains = true): void {
    this.streams.delete(stream.id);
    stream.unsent = undefined;
    stream.handler.onEnd(how);
    if (this.ended) return;
    if (drains) this.drained();
    this.events.onRoom();
  }

  private drained(): void {
    if (this.draining && !this.ended && this.streams.size === 0) this.events.onDrained();
  }
}
