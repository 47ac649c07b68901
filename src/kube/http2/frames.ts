import { HollowmarkError } from '../../base/errors.ts';

/** The frames of HTTP/2 (RFC 9113, 6). */
export const frameTypes = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** END_STREAM and ACK are the same bit, on different frames. */
export const flags = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
} as const;

export const errorCodes = {
  noError: 0,
  protocolError: 1,
  flowControlError: 3,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
} as const;

/** The names of the error codes (RFC 9113, 7), by number. */
const errorNames = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

export function errorName(code: number): string {
  return errorNames[code] ?? `error ${code}`;
}

export const frameHeaderBytes = 9;

/** Neither side may send larger frames; we never ask for more. */
export const frameBytesMax = 16_384;

/** What a client says first. */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Writes a frame's header at `at`. */
export function writeFrameHeader(
  into: Buffer,
  at: number,
  lengthBytes: number,
  type: number,
  frameFlags: number,
  streamId: number,
): void {
  into.writeUIntBE(lengthBytes, at, 3);
  into[at + 3] = type;
  into[at + 4] = frameFlags;
  into.writeUInt32BE(streamId, at + 5);
}

export function frame(type: number, frameFlags: number, streamId: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  writeFrameHeader(bytes, 0, payload.length, type, frameFlags, streamId);
  payload.copy(bytes, frameHeaderBytes);
  return bytes;
}

/** A payload of one 32-bit number: RST_STREAM, WINDOW_UPDATE. */
export function numberFrame(type: number, streamId: number, value: number): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeaderBytes + 4);
  writeFrameHeader(bytes, 0, 4, type, 0, streamId);
  bytes.writeUInt32BE(value, frameHeaderBytes);
  return bytes;
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.allocUnsafe(6 * settings.length);
  settings.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, 6 * index);
    payload.writeUInt32BE(value, 6 * index + 2);
  });
  return frame(frameTypes.settings, 0, 0, payload);
}

export function goAwayFrame(code: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(code, 4);
  return frame(frameTypes.goAway, 0, 0, payload);
}

/** Cuts what arrives into frames; keeps an incomplete one, which is bounded, until its rest arrives. */
export class FrameReader {
  private rest: Buffer | undefined;

  /**
   * Calls `onFrame` for each whole frame. Payloads are valid during the call only.
   * @throws HollowmarkError `internal` when a frame is larger than allowed.
   */
  push(
    chunk: Buffer,
    onFrame: (type: number, flags: number, streamId: number, payload: Buffer) => void,
  ): void {
    const bytes = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk]);
    this.rest = undefined;
    let at = 0;
    while (bytes.length - at >= frameHeaderBytes) {
      const lengthBytes = bytes.readUIntBE(at, 3);
      if (lengthBytes > frameBytesMax) {
        throw new HollowmarkError('internal', `HTTP/2 frame of ${lengthBytes} bytes, more than was allowed`);
      }
      const end = at + frameHeaderBytes + lengthBytes;
      if (end > bytes.length) break;
      const payload = bytes.subarray(at + frameHeaderBytes, end);
      onFrame(
        bytes[at + 3] as number,
        bytes[at + 4] as number,
        bytes.readUInt32BE(at + 5) & 0x7fffffff,
        payload,
      );
      at = end;
    }
    // A copy: what arrives may lie in a buffer that the next read overwrites.
    if (at < bytes.length) this.rest = Buffer.from(bytes.subarray(at));
  }
}

/** A HEADERS frame's piece of the header block. */
export function headerFragment(frameFlags: number, payload: Buffer): Buffer {
  const priorityBytes = (frameFlags & flags.priority) === 0 ? 0 : 5;
  if ((frameFlags & flags.padded) !== 0) return unpadded(payload, priorityBytes);
  if (payload.length < priorityBytes) throw broken('HEADERS that are cut off');
  return payload.subarray(priorityBytes);
}

/** Without the padding, its length, and `skipBytes` after that. */
export function unpadded(payload: Buffer, skipBytes: number): Buffer {
  const from = 1 + skipBytes;
  const end = payload.length - (payload[0] ?? 0);
  if (end < from) throw broken('more padding than frame');
  return payload.subarray(from, end);
}

/** The 32-bit number at `at`. */
export function numberAt(payload: Buffer, at: number): number {
  if (payload.length < at + 4) throw broken('a frame that is cut off');
  return payload.readUInt32BE(at);
}

/** What the server did that it must not do. */
export function broken(what: string): HollowmarkError {
  return new HollowmarkError('internal', `HTTP/2: ${what}`);
}
