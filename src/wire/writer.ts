import { HollowmarkError } from '../base/errors.ts';

const firstBytes = 16 * 1024;

/** The API server takes requests of up to 3 MiB. */
const bytesMax = 16 * 1024 * 1024;

/** Shorter strings are written character by character: quicker than a call into Node. */
const shortMax = 48;

/**
 * Writes protobuf from back to front, so that a message's length is known when it is written before it. Keeps its
 * buffer from one message to the next.
 */
export class Writer {
  private bytes = Buffer.allocUnsafeSlow(firstBytes);
  /** What has been written lies from here to the end. */
  private position = firstBytes;

  /** What has been written, as a buffer of its own; the writer is empty again. */
  take(): Buffer {
    const taken = Buffer.from(this.bytes.subarray(this.position));
    this.clear();
    return taken;
  }

  clear(): void {
    this.position = this.bytes.length;
  }

  tag(number: number, wireType: number): void {
    this.int((number << 3) | wireType);
  }

  /** An integer as a varint; negative ones as their 64 bits. */
  int(value: number): void {
    if (value >= 0 && value < 0x80) {
      this.room(1);
      this.bytes[--this.position] = value;
      return;
    }
    this.room(10);
    let low = value >>> 0;
    let high = Math.floor(value / 0x1_0000_0000) >>> 0;
    let size = 1;
    for (let left = value < 0 ? Number.MAX_VALUE : value; left >= 0x80 && size < 10; left /= 0x80) size++;
    const start = this.position - size;
    for (let at = start; at < this.position - 1; at++) {
      this.bytes[at] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.bytes[this.position - 1] = low;
    this.position = start;
  }

  /** Four bytes, big-endian. */
  fixed32(value: number): void {
    this.room(4);
    this.position -= 4;
    this.bytes.writeUInt32BE(value, this.position);
  }

  /** A string with its length. */
  string(text: string): void {
    const { length } = text;
    if (length <= shortMax) {
      this.room(length + 1);
      let at = this.position;
      let left = length;
      for (; left > 0; left--) {
        const code = text.charCodeAt(left - 1);
        if (code >= 0x80) break;
        this.bytes[--at] = code;
      }
      if (left === 0) {
        this.position = at;
        this.int(length);
        return;
      }
    }
    const size = Buffer.byteLength(text);
    this.room(size);
    this.position -= size;
    this.bytes.write(text, this.position, 'utf8');
    this.int(size);
  }

  /** Bytes, given as base64, with their length. */
  base64(text: string): void {
    const raw = Buffer.from(text, 'base64');
    this.room(raw.length);
    this.position -= raw.length;
    raw.copy(this.bytes, this.position);
    this.int(raw.length);
  }

  /** Bytes, given as a character for each, with their length. */
  latin1(text: string): void {
    this.room(text.length);
    this.position -= text.length;
    this.bytes.write(text, this.position, 'latin1');
    this.int(text.length);
  }

  /** Field `number`, a message: what `write` writes. */
  delimited(number: number, write: () => void): void {
    const end = this.mark();
    write();
    this.close(number, end);
  }

  /** How much has been written; what is written next is closed by {@link close}. */
  mark(): number {
    return this.bytes.length - this.position;
  }

  /** Makes what has been written since `mark` the length-delimited field `number`. */
  close(number: number, mark: number): void {
    this.int(this.mark() - mark);
    this.tag(number, 2);
  }

  private room(size: number): void {
    if (this.position >= size) return;
    const used = this.mark();
    if (used + size > bytesMax) {
      this.clear();
      throw new HollowmarkError('internal', `an object of more than ${bytesMax} bytes`);
    }
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, used + size));
    this.bytes.copy(larger, larger.length - used, this.position);
    this.position = larger.length - used;
    this.bytes = larger;
  }
}
