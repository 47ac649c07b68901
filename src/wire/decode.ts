import { Reader, wireFault } from './reader.ts';
import { microTimeText, timeText } from './times.ts';
import { Opaque, type Plan, type PlannedField, ops, places } from './view.ts';

type Json = Record<string, unknown>;

/** A message that is a string in field 1: Quantity; a time; a number or string. */
const firstString = 0x0a;

/**
 * Reads a message from the reader's position to `end` into `target`, as JSON has it: absent where JSON leaves it out,
 * and null where it writes null. A field that comes twice counts as its last, except in lists and maps.
 * @throws HollowmarkError `internal` when the bytes are not of such a message.
 */
export function readMessage(reader: Reader, end: number, plan: Plan, target: Json): void {
  const { fields, nulls } = plan;
  while (reader.position < end) {
    const tag = reader.tag();
    const field = fields[tag >>> 3];
    if (field === undefined) {
      reader.skip(tag, end);
      continue;
    }
    if ((tag & 7) !== field.wireType) {
      if (!isPacked(tag, field)) throw wireFault(`wire type ${tag & 7} for ${field.name}`);
      const stop = reader.endOf(end);
      while (reader.position < stop) add(reader, target, field.name, readValue(reader, stop, field));
      reader.expectEnd(stop);
      continue;
    }
    switch (field.place) {
      case places.one: {
        const value = readValue(reader, end, field);
        // Falsy is what Go calls zero: '', 0, false, and the time that is none.
        if (field.keepsZero || value) target[field.name] = value;
        break;
      }
      case places.list:
        add(reader, target, field.name, readValue(reader, end, field));
        break;
      case places.map:
        readEntry(reader, reader.endOf(end), field, target);
        break;
      default: {
        const stop = reader.endOf(end);
        if (field.plan !== undefined) readMessage(reader, stop, field.plan, target);
      }
    }
  }
  reader.expectEnd(end);
  for (let i = 0; i < nulls.length; i++) {
    const name = nulls[i] as string;
    if (target[name] === undefined) target[name] = null;
  }
}

/** Whether it is a list of numbers in one field, which writers may choose. */
function isPacked(tag: number, field: PlannedField): boolean {
  return (tag & 7) === 2 && field.wireType === 0 && field.place === places.list;
}

function add(reader: Reader, target: Json, name: string, value: unknown): void {
  reader.element();
  const list = target[name] as unknown[] | undefined;
  if (list === undefined) target[name] = [value];
  else list.push(value);
}

function readEntry(reader: Reader, end: number, field: PlannedField, target: Json): void {
  reader.element();
  let key = '';
  let value: unknown;
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === firstString) key = reader.string(reader.endOf(end));
    else if (tag >>> 3 === 2) {
      if ((tag & 7) !== (field.op === ops.bool || field.op === ops.int ? 0 : 2)) {
        throw wireFault(`wire type ${tag & 7} in ${field.name}`);
      }
      value = readValue(reader, end, field);
    } else reader.skip(tag, end);
  }
  reader.expectEnd(end);
  const map = (target[field.name] ??= {}) as Json;
  value ??= field.op === ops.message ? {} : '';
  if (key === '__proto__') {
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  } else map[key] = value;
}

function readValue(reader: Reader, end: number, field: PlannedField): unknown {
  switch (field.op) {
    case ops.string:
      return reader.string(reader.endOf(end));
    case ops.bool:
      return reader.int() !== 0;
    case ops.int:
      return reader.int();
    case ops.message: {
      const stop = reader.endOf(end);
      const inner: Json = {};
      if (field.plan !== undefined) readMessage(reader, stop, field.plan, inner);
      return inner;
    }
    case ops.Quantity:
      return readQuantity(reader, reader.endOf(end));
    case ops.Time:
    case ops.MicroTime:
      return readTime(reader, reader.endOf(end), field.op === ops.MicroTime);
    case ops.IntOrString:
      return readIntOrString(reader, reader.endOf(end));
    case ops.bytes:
      return reader.base64(reader.endOf(end));
    case ops.opaque:
      return new Opaque(reader.latin1(reader.endOf(end)));
    default:
      return readJson(reader, reader.endOf(end));
  }
}

function readQuantity(reader: Reader, end: number): string {
  let quantity = '0';
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === firstString) quantity = reader.string(reader.endOf(end));
    else reader.skip(tag, end);
  }
  reader.expectEnd(end);
  return quantity;
}

/** No bytes at all are Go's zero time, which is null in JSON. */
function readTime(reader: Reader, end: number, isMicro: boolean): string | null {
  if (reader.position === end) return null;
  let seconds = 0;
  let nanos = 0;
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === 0x08) seconds = reader.int();
    else if (tag === 0x10) nanos = reader.int();
    else reader.skip(tag, end);
  }
  reader.expectEnd(end);
  try {
    return isMicro ? microTimeText(seconds, nanos) : timeText(seconds);
  } catch (cause) {
    throw wireFault('a time that is none', cause);
  }
}

function readIntOrString(reader: Reader, end: number): number | string {
  let isString = false;
  let number = 0;
  let text = '';
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === 0x08) isString = reader.int() === 1;
    else if (tag === 0x10) number = reader.int();
    else if (tag === 0x1a) text = reader.string(reader.endOf(end));
    else reader.skip(tag, end);
  }
  reader.expectEnd(end);
  return isString ? text : number;
}

function readJson(reader: Reader, end: number): unknown {
  let text = 'null';
  while (reader.position < end) {
    const tag = reader.tag();
    if (tag === firstString) text = reader.string(reader.endOf(end));
    else reader.skip(tag, end);
  }
  reader.expectEnd(end);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw wireFault('JSON within, cut short', cause);
  }
}
