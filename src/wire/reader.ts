import { WireFault } from './wire-fault.ts';

/** Strings up to this length are looked for among those read lately. */
const internedLengthMax = 64;

/** About a megabyte of strings at most: names, labels, images, reasons recur with every object. */
const internedCount = 8192;

/** How many of a string's last bytes say where it is looked for. */
const hashedLength = 12;

const interned: string[] = Array.from({ length: internedCount }, () => '');

/**
 * List elements and map entries that one reading may give, besides one for every 16 bytes: each costs far more memory
 * than the two bytes that it may take on the wire. An etcd object of 1.5 MB holds fewer.
 */
const elementsMin = 1 << 18;

/** A reading that cannot go on. */
export function wireFault(what: string, cause?: unknown): WireFault {
  return new WireFault(`not protobuf on the wire: ${what}`, cause);
}

/**
 * Reads protobuf from a buffer, from front to back. Bounds are those of the buffer; that a field ends where its message
 * does is checked where the message ends ({@link endOf}, {@link expectEnd}). Bytes beyond the buffer read as zero.
 */
export class Reader {
  position: number;
  private readonly bytes: Buffer;
  private elementsLeft: number;

  constructor(bytes: Buffer, position = 0) {
    this.bytes = bytes;
    this.position = position;
    this.elementsLeft = elementsMin + (bytes.length >>> 4);
  }

  /** A field's key: its number, shifted left by 3, and its wire type. */
  tag(): number {
    const byte = this.bytes[this.position] ?? 0;
    if (byte < 0x80) {
      this.position++;
      return byte;
    }
    const tag = this.int();
    if (tag < 0 || tag > 0xffff_ffff) throw wireFault(`a field key of ${tag}`);
    return tag >>> 0;
  }

  /** A varint as the signed 64-bit integer that it is; beyond 2^53 the nearest number, as JSON.parse has it. */
  int(): number {
    const { bytes } = this;
    let at = this.position;
    let byte = bytes[at++] ?? 0;
    if (byte < 0x80) {
      this.position = at;
      return byte;
    }
    let low = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
      byte = bytes[at++] ?? 0;
      low |= (byte & 0x7f) << shift;
    }
    let high = 0;
    if (byte >= 0x80) {
      byte = bytes[at++] ?? 0;
      low |= (byte & 0x7f) << 28;
      high = (byte & 0x7f) >>> 4;
      for (let shift = 3; byte >= 0x80; shift += 7) {
        if (shift > 31) throw wireFault('a varint of more than 64 bits');
        byte = bytes[at++] ?? 0;
        high |= (byte & 0x7f) << shift;
      }
    }
    this.position = at;
    return high === 0 ? low >>> 0 : high * 0x1_0000_0000 + (low >>> 0);
  }

  /** The length that precedes a length-delimited field, as the position where the field ends. `end`: of its message. */
  endOf(end: number): number {
    const length = this.int();
    const stop = this.position + length;
    if (length < 0 || stop > end)
      throw wireFault(`${length} bytes announced where ${end - this.position} are`);
    return stop;
  }

  /** @throws when the last field did not end where its message does. */
  expectEnd(end: number): void {
    if (this.position !== end) throw wireFault('a field that ends beyond its message');
  }

  /** The string from here to `stop`. */
  string(stop: number): string {
    const { bytes, position } = this;
    this.position = stop;
    const length = stop - position;
    if (length === 0) return '';
    if (length > internedLengthMax) return bytes.toString('utf8', position, stop);
    // FNV-1a over the length, the beginning and the end: where names, labels and times differ.
    let hash = Math.imul(length ^ (bytes[position] ?? 0), 0x0100_0193);
    for (let at = length > hashedLength ? stop - hashedLength : position; at < stop; at++) {
      hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x0100_0193);
    }
    const slot = (hash ^ (hash >>> 15)) & (internedCount - 1);
    const known = interned[slot] ?? '';
    if (known.length === length) {
      let at = 0;
      while (at < length && known.charCodeAt(at) === bytes[position + at]) at++;
      if (at === length) return known;
    }
    const fresh = bytes.toString('utf8', position, stop);
    // Only of ASCII are characters and bytes the same, as the comparison takes them to be.
    if (fresh.length === length) interned[slot] = fresh;
    return fresh;
  }

  /** The bytes from here to `stop` as base64, which is what they are in JSON. */
  base64(stop: number): string {
    const { position } = this;
    this.position = stop;
    return this.bytes.toString('base64', position, stop);
  }

  /** The bytes from here to `stop`, a character for each. */
  latin1(stop: number): string {
    const { position } = this;
    this.position = stop;
    return this.bytes.toString('latin1', position, stop);
  }

  /** Passes over the field whose key was `tag`. */
  skip(tag: number, end: number): void {
    switch (tag & 7) {
      case 0:
        this.int();
        break;
      case 1:
        this.position += 8;
        break;
      case 2:
        this.position = this.endOf(end);
        break;
      case 5:
        this.position += 4;
        break;
      default:
        throw wireFault(`wire type ${tag & 7}`);
    }
    if (tag >>> 3 === 0 || this.position > end) throw wireFault('a field that ends beyond its message');
  }

  /** Counts one element of a list or map. @throws when there are more than an object can have. */
  element(): void {
    if (--this.elementsLeft < 0) throw wireFault('more list elements than an object can have');
  }
}
