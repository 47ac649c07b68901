import type { Codec, WireFormat } from './codec.ts';
import { jsonCodec } from './json-codec.ts';
import { protobufCodec } from './protobuf-codec.ts';

const codecs: Readonly<Record<WireFormat, Codec>> = { json: jsonCodec, protobuf: protobufCodec };

/** The codec of a client that is to speak `format`. */
export function codecNamed(format: WireFormat): Codec {
  return codecs[format];
}

/** The codec of an answer, by its Content-Type: whatever is not protobuf is taken for JSON. */
export function codecOf(contentType: string): Codec {
  return contentType.startsWith(protobufCodec.contentType) ? protobufCodec : jsonCodec;
}
