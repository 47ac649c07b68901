import { HollowmarkError } from '../../base/errors.ts';
import { decodeHuffman } from './huffman.ts';

/*
 * Header compression (RFC 7541), as far as a client of the API server needs it: requests repeat a few headers on each
 * connection, and of an answer's headers only the status, the content type, the date and Retry-After are read.
 */

/** What requests name, and what is read of answers, by its index in the static table (RFC 7541, appendix A). */
const staticNames: Readonly<Record<string, number>> = {
  ':authority': 1,
  ':method': 2,
  ':path': 4,
  accept: 19,
  authorization: 23,
  'content-length': 28,
  'content-type': 31,
  date: 33,
  'retry-after': 53,
  'user-agent': 58,
};

const staticEntries = 61;
const firstStatusEntry = 8;
const staticStatuses = [200, 204, 206, 304, 400, 404, 500];

/** These differ from request to request: an entry for each would only push out the others. */
const neverRepeated = new Set([':path', 'content-length']);

const indexed = 0x80;
const withIndexing = 0x40;
const tableSizeUpdate = 0x20;

/** Bytes that an entry counts for beside its name and its value (RFC 7541, 4.1). */
const entryOverheadBytes = 32;

/** What both sides start with until SETTINGS say otherwise. */
const tableBytesDefault = 4096;

export type HeaderValue = string | readonly string[];

/** A header block under construction; shared by all connections of a thread, since a block is made in one go. */
class BlockWriter {
  bytes = Buffer.allocUnsafeSlow(8192);
  length = 0;

  reserve(moreBytes: number): void {
    if (this.length + moreBytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.length + moreBytes));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** An integer with an N-bit prefix (RFC 7541, 5.1). */
  integer(flags: number, prefixBits: number, value: number): void {
    const prefixMax = (1 << prefixBits) - 1;
    if (value < prefixMax) {
      this.bytes[this.length++] = flags | value;
      return;
    }
    this.bytes[this.length++] = flags | prefixMax;
    let rest = value - prefixMax;
    for (; rest >= 0x80; rest >>>= 7) this.bytes[this.length++] = (rest & 0x7f) | 0x80;
    this.bytes[this.length++] = rest;
  }

  /** Without Huffman coding: what is long is sent once a connection. */
  text(value: string): void {
    const lengthBytes = Buffer.byteLength(value);
    this.reserve(lengthBytes + 8);
    this.integer(0, 7, lengthBytes);
    this.length += this.bytes.write(value, this.length, 'utf8');
  }
}

const writer = new BlockWriter();

/**
 * Encodes the header blocks of one connection. Headers that repeat enter the dynamic table until it is full and are
 * then named by their index; nothing is ever evicted, so that both sides agree by counting.
 */
export class HeaderEncoder {
  private readonly names: string[] = [];
  private readonly values: string[] = [];
  private roomBytes = tableBytesDefault;
  private announcesTableSize = false;

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. A smaller table than the usual one is not used at all. */
  limitTable(sizeBytes: number): void {
    if (sizeBytes >= tableBytesDefault) return;
    this.names.length = 0;
    this.values.length = 0;
    this.roomBytes = 0;
    this.announcesTableSize = true;
  }

  /** The block of a request over https. The bytes are valid until the next call of any encoder. */
  encode(
    method: string,
    authority: string,
    path: string,
    headers: Readonly<Record<string, HeaderValue>>,
  ): Buffer {
    writer.length = 0;
    writer.reserve(64);
    if (this.announcesTableSize) {
      this.announcesTableSize = false;
      writer.integer(tableSizeUpdate, 5, 0);
    }
    if (method === 'GET') writer.integer(indexed, 7, 2);
    else if (method === 'POST') writer.integer(indexed, 7, 3);
    else this.field(':method', method);
    writer.integer(indexed, 7, 7); // :scheme https
    this.field(':authority', authority);
    this.field(':path', path);
    for (const name in headers) {
      const value = headers[name] as HeaderValue;
      if (typeof value === 'string') this.field(name, value);
      else for (const one of value) this.field(name, one);
    }
    return writer.bytes.subarray(0, writer.length);
  }

  private field(name: string, value: string): void {
    const { names, values } = this;
    for (let at = values.length - 1; at >= 0; at--) {
      if (values[at] === value && names[at] === name) {
        writer.reserve(8);
        // The newest entry has the lowest index.
        writer.integer(indexed, 7, staticEntries + values.length - at);
        return;
      }
    }
    const sizeBytes = name.length + Buffer.byteLength(value) + entryOverheadBytes;
    const enters = !neverRepeated.has(name) && sizeBytes <= this.roomBytes;
    const nameIndex = staticNames[name] ?? 0;
    writer.reserve(8);
    if (enters) writer.integer(withIndexing, 6, nameIndex);
    else writer.integer(0, 4, nameIndex);
    if (nameIndex === 0) writer.text(name);
    writer.text(value);
    if (!enters) return;
    this.roomBytes -= sizeBytes;
    names.push(name);
    values.push(value);
  }
}

/** What is read of an answer's headers. */
export type ResponseHead = {
  /** 0 where the block has none: trailers. */
  status: number;
  /** Empty where the block has none. */
  contentType: string;
  /** Undefined where the block has none that is a number of seconds. */
  retryAfterSeconds: number | undefined;
  /** When the server began to answer, by its clock, as it wrote it; empty where the block does not say. */
  date: string;
};

/**
 * Reads the header block of an answer. Walks all of it. Sound only with a dynamic table of size 0, which our SETTINGS
 * ask for before the first request; and with encoders that name these headers by the static table, as all do.
 * @throws HollowmarkError `internal` when the block is cut off or names an entry that there is not.
 */
export function readResponseHead(block: Buffer): ResponseHead {
  const reader = new BlockReader(block);
  const head: ResponseHead = { status: 0, contentType: '', retryAfterSeconds: undefined, date: '' };
  while (reader.at < block.length) {
    const first = block[reader.at] as number;
    if ((first & indexed) !== 0) {
      const index = reader.integer(7);
      if (index === 0 || index > staticEntries) throw broken(`entry ${index} of an empty table`);
      head.status ||= staticStatuses[index - firstStatusEntry] ?? 0;
    } else if ((first & 0xe0) === tableSizeUpdate) {
      if (reader.integer(5) !== 0) throw broken('a table larger than was asked for');
    } else {
      const nameIndex = reader.integer((first & withIndexing) === 0 ? 4 : 6);
      if (nameIndex > staticEntries) throw broken(`entry ${nameIndex} of an empty table`);
      if (nameIndex === 0) reader.skipText();
      if (nameIndex >= firstStatusEntry && nameIndex < firstStatusEntry + staticStatuses.length) {
        head.status ||= statusOf(reader.text());
      } else if (nameIndex === staticNames['content-type']) head.contentType = reader.text();
      else if (nameIndex === staticNames['retry-after']) head.retryAfterSeconds = secondsOf(reader.text());
      else if (nameIndex === staticNames['date']) head.date = reader.date();
      else reader.skipText();
    }
  }
  return head;
}

function statusOf(text: string): number {
  if (!/^[1-9]\d\d$/.test(text)) throw broken(`status ${JSON.stringify(text)}`);
  return Number(text);
}

/** Dates, and numbers of more than a week's seconds, are no pause that an API server asks for. */
function secondsOf(text: string): number | undefined {
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

/** Texts that were Huffman-coded, by their code: servers have few content types, and send one with each answer. */
const decoded = new Map<string, string>();
const decodedMax = 64;

/** A date differs from the one of the second before, and is the same in all answers of its own. */
let lastDate: { isHuffman: boolean; code: Buffer; text: string } = {
  isHuffman: false,
  code: Buffer.alloc(0),
  text: '',
};

class BlockReader {
  at = 0;
  private readonly block: Buffer;

  constructor(block: Buffer) {
    this.block = block;
  }

  /** With an N-bit prefix. */
  integer(prefixBits: number): number {
    const prefixMax = (1 << prefixBits) - 1;
    let value = this.byte() & prefixMax;
    if (value < prefixMax) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const next = this.byte();
      value += (next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    throw broken('an integer of more than 28 bits');
  }

  skipText(): void {
    this.bytes();
  }

  text(): string {
    const isHuffman = ((this.block[this.at] ?? 0) & 0x80) !== 0;
    const code = this.bytes().toString('latin1');
    if (!isHuffman) return code;
    let text = decoded.get(code);
    if (text === undefined) {
      text = decodeHuffman(Buffer.from(code, 'latin1'));
      if (decoded.size < decodedMax) decoded.set(code, text);
    }
    return text;
  }

  date(): string {
    const isHuffman = ((this.block[this.at] ?? 0) & 0x80) !== 0;
    const bytes = this.bytes();
    if (isHuffman !== lastDate.isHuffman || !bytes.equals(lastDate.code)) {
      const code = Buffer.from(bytes);
      lastDate = { isHuffman, code, text: isHuffman ? decodeHuffman(code) : code.toString('latin1') };
    }
    return lastDate.text;
  }

  private bytes(): Buffer {
    const lengthBytes = this.integer(7);
    const end = this.at + lengthBytes;
    if (end > this.block.length) throw broken('cut off');
    const bytes = this.block.subarray(this.at, end);
    this.at = end;
    return bytes;
  }

  private byte(): number {
    const byte = this.block[this.at++];
    if (byte === undefined) throw broken('cut off');
    return byte;
  }
}

function broken(what: string): HollowmarkError {
  return new HollowmarkError('internal', `HTTP/2 header block: ${what}`);
}
