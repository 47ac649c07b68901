import type { Writer } from './writer.ts';
import { Reader, wireFault } from './reader.ts';

/*
 * Every object in protobuf is wrapped: four bytes of magic, then runtime.Unknown, which says what the object is
 * (field 1, TypeMeta) and holds it (field 2, raw). Fields 3 and 4, encoding and content type, are empty.
 */

const magic = 0x6b38_7300;

/** What an envelope says, and where the message in it lies. */
export type Envelope = { apiVersion: string; kind: string; start: number; end: number };

/**
 * Reads the envelope that begins at `start`; with `wantsType` false the type is passed over and left empty.
 * @throws HollowmarkError `internal` when there is none.
 */
export function readEnvelope(bytes: Buffer, start: number, end: number, wantsType: boolean): Envelope {
  if (end - start < 4 || bytes.readUInt32BE(start) !== magic) throw wireFault('no k8s envelope');
  const envelope: Envelope = { apiVersion: '', kind: '', start: end, end };
  const reader = new Reader(bytes, start + 4);
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === 0x0a && wantsType) readType(reader, reader.endOf(end), envelope);
    else if (tag === 0x12) {
      envelope.end = reader.endOf(end);
      envelope.start = reader.position;
      reader.position = envelope.end;
    } else reader.skip(tag, end);
  }
  reader.expectEnd(end);
  return envelope;
}

function readType(reader: Reader, end: number, envelope: Envelope): void {
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === 0x0a) envelope.apiVersion = reader.string(reader.endOf(end));
    else if (tag === 0x12) envelope.kind = reader.string(reader.endOf(end));
    else reader.skip(tag, end);
  }
  reader.expectEnd(end);
}

/** Puts the envelope around what `writeRaw` writes. Back to front, as the writer goes. */
export function writeEnvelope(writer: Writer, apiVersion: string, kind: string, writeRaw: () => void): void {
  writer.string('');
  writer.tag(4, 2);
  writer.string('');
  writer.tag(3, 2);
  writer.delimited(2, writeRaw);
  writer.delimited(1, () => {
    writer.string(kind);
    writer.tag(2, 2);
    writer.string(apiVersion);
    writer.tag(1, 2);
  });
  writer.fixed32(magic);
}
