import { HollowmarkError } from '../base/errors.ts';
import type { Field, Message } from './schema.ts';
import { parseTime } from './times.ts';
import { Opaque } from './view.ts';
import type { Writer } from './writer.ts';

type Json = Readonly<Record<string, unknown>>;

const nothing: Json = {};

/**
 * Writes an object, back to front, as Kubernetes' own encoder does byte for byte: fields by number, maps by key, and
 * values also when they are zero.
 * @throws HollowmarkError `internal` when a value is not of its field's type.
 */
export function writeMessage(writer: Writer, message: Message, object: Json): void {
  const { fields } = message;
  for (let i = fields.length - 1; i >= 0; i--) {
    const field = fields[i] as Field;
    if (field.shape === 'inline') {
      writeInner(writer, field, object);
      continue;
    }
    const value = object[field.name];
    switch (field.shape) {
      case 'value':
        if (value === undefined || value === null) writeZero(writer, field);
        else writeField(writer, field, field.number, value);
        break;
      case 'optional':
        if (value !== undefined && value !== null) writeField(writer, field, field.number, value);
        break;
      case 'list':
        if (value !== undefined && value !== null) writeList(writer, field, value);
        break;
      case 'map':
        if (value !== undefined && value !== null) writeMap(writer, field, asObject(field, value));
        break;
    }
  }
}

function writeList(writer: Writer, field: Field, value: unknown): void {
  if (!Array.isArray(value)) throw mismatch(field, value);
  for (let i = value.length - 1; i >= 0; i--) writeField(writer, field, field.number, value[i]);
}

function writeMap(writer: Writer, field: Field, map: Json): void {
  const keys = Object.keys(map).toSorted();
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i] as string;
    const mark = writer.mark();
    writeField(writer, field, 2, map[key]);
    writer.string(key);
    writer.tag(1, 2);
    writer.close(field.number, mark);
  }
}

function writeZero(writer: Writer, field: Field): void {
  switch (field.kind) {
    case 'string':
      writeField(writer, field, field.number, '');
      break;
    case 'bool':
      writeField(writer, field, field.number, false);
      break;
    case 'int':
    case 'IntOrString':
      writeField(writer, field, field.number, 0);
      break;
    case 'Quantity':
      writeField(writer, field, field.number, '0');
      break;
    case 'Time':
    case 'MicroTime':
      writer.close(field.number, writer.mark());
      break;
    case 'message':
      writeInner(writer, field, nothing);
      break;
    case 'bytes':
    case 'JSON':
      // Go's nil slice: not on the wire.
      break;
  }
}

function writeInner(writer: Writer, field: Field, object: Json): void {
  const mark = writer.mark();
  if (field.message !== undefined) writeMessage(writer, field.message, object);
  writer.close(field.number, mark);
}

function writeField(writer: Writer, field: Field, number: number, value: unknown): void {
  switch (field.kind) {
    case 'string':
      writer.string(asString(field, value));
      writer.tag(number, 2);
      break;
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(field, value);
      writer.int(value ? 1 : 0);
      writer.tag(number, 0);
      break;
    case 'int':
      writer.int(asInteger(field, value));
      writer.tag(number, 0);
      break;
    case 'bytes':
      writer.base64(asString(field, value));
      writer.tag(number, 2);
      break;
    case 'message': {
      if (value instanceof Opaque) {
        writer.latin1(value.bytes);
        writer.tag(number, 2);
        break;
      }
      const mark = writer.mark();
      if (field.message !== undefined) writeMessage(writer, field.message, asObject(field, value));
      writer.close(number, mark);
      break;
    }
    case 'Quantity':
      writeWrapped(writer, number, typeof value === 'number' ? String(value) : asString(field, value));
      break;
    case 'JSON':
      writeWrapped(writer, number, JSON.stringify(value));
      break;
    case 'Time':
    case 'MicroTime': {
      const { seconds, nanos } = parseTime(asString(field, value));
      const mark = writer.mark();
      writer.int(field.kind === 'Time' ? 0 : nanos);
      writer.tag(2, 0);
      writer.int(seconds);
      writer.tag(1, 0);
      writer.close(number, mark);
      break;
    }
    case 'IntOrString': {
      const mark = writer.mark();
      const isString = typeof value === 'string';
      writer.string(isString ? value : '');
      writer.tag(3, 2);
      writer.int(isString ? 0 : asInteger(field, value));
      writer.tag(2, 0);
      writer.int(isString ? 1 : 0);
      writer.tag(1, 0);
      writer.close(number, mark);
      break;
    }
  }
}

/** A message that has a string, or bytes, in field 1 and nothing else. */
function writeWrapped(writer: Writer, number: number, text: string): void {
  const mark = writer.mark();
  writer.string(text);
  writer.tag(1, 2);
  writer.close(number, mark);
}

function asString(field: Field, value: unknown): string {
  if (typeof value !== 'string') throw mismatch(field, value);
  return value;
}

function asInteger(field: Field, value: unknown): number {
  if (!Number.isInteger(value)) throw mismatch(field, value);
  return value as number;
}

function asObject(field: Field, value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(field, value);
  return value as Json;
}

function mismatch(field: Field, value: unknown): HollowmarkError {
  return new HollowmarkError('internal', `field ${field.name} cannot be ${JSON.stringify(value)}`);
}
