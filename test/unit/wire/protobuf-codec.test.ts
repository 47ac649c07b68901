import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { benchPod } from '../../../src/bench/bench-pod.ts';
import { HollowmarkError } from '../../../src/base/errors.ts';
import { leaseView } from '../../../src/hollow/views.ts';
import { codecOf } from '../../../src/wire/negotiation.ts';
import { protobufCodec } from '../../../src/wire/protobuf-codec.ts';
import { Reader } from '../../../src/wire/reader.ts';
import { type Field, type Message, allMessages, messageOf } from '../../../src/wire/schema.ts';
import { microTimeText, parseTime, timeText } from '../../../src/wire/times.ts';
import { Opaque, type Selection, View } from '../../../src/wire/view.ts';
import { WireFault } from '../../../src/wire/wire-fault.ts';
import { Writer } from '../../../src/wire/writer.ts';

type Json = Record<string, unknown>;

const lease = {
  kind: 'Lease',
  apiVersion: 'coordination.k8s.io/v1',
  metadata: { name: 'n', uid: 'u-1', resourceVersion: '77', generation: 3 },
  spec: { holderIdentity: 'n', leaseDurationSeconds: 40, renewTime: '2026-11-21T05:03:20.495198Z' },
};

/** Length-delimited field `number`. */
function delimited(number: number, ...parts: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const writer = new Writer();
  writer.int(body.length);
  writer.tag(number, 2);
  return Buffer.concat([writer.take(), body]);
}

const envelope = (kind: string, message: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    delimited(1, delimited(1, 'v1'), delimited(2, kind)),
    delimited(2, message),
  ]);

function frame(type: string, object: Buffer): Buffer {
  const event = Buffer.concat([delimited(1, type), delimited(2, delimited(1, object))]);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(event.length);
  return Buffer.concat([header, event]);
}

/** Whatever comes of it: an object, or the typed error. Anything else is a fault. */
function expectNoOtherError(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(HollowmarkError);
    expect(error).toMatchObject({ code: 'internal' });
  }
}

describe('numbers and strings', () => {
  it('come back as they were written', () => {
    const number = fc.oneof(
      fc.maxSafeInteger(),
      fc.integer(),
      fc.constantFrom(0, 127, 128, -1, 2 ** 28, 2 ** 32 - 1, 2 ** 35, -(2 ** 31), -(2 ** 63), 2 ** 62),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(number, fc.string({ unit: 'grapheme', maxLength: 200 }))), (pairs) => {
        const writer = new Writer();
        for (const [value, text] of pairs.toReversed()) {
          writer.string(text);
          writer.int(value);
        }
        const bytes = writer.take();
        const reader = new Reader(bytes);
        for (const [value, text] of pairs) {
          expect(reader.int()).toBe(value);
          expect(reader.string(reader.endOf(bytes.length))).toBe(text);
        }
        expect(reader.position).toBe(bytes.length);
      }),
    );
  });

  it('have times of whole seconds and of microseconds', () => {
    expect(parseTime('2026-11-21T06:03:10.4951987+01:00')).toEqual({
      seconds: 1_795_237_390,
      nanos: 495_198_000,
    });
    fc.assert(
      fc.property(
        fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }),
        fc.integer({ min: 0, max: 999_999 }),
        (seconds, micros) => {
          expect(timeText(seconds)).toBe(new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'));
          const text = microTimeText(seconds, micros * 1000);
          expect(parseTime(text)).toEqual({ seconds, nanos: micros * 1000 });
        },
      ),
    );
  });
});

/** Any value that a field may have in JSON. */
function anyValue(field: Field, depth: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 80 });
    case 'bool':
      return fc.boolean();
    case 'int':
      return fc.maxSafeInteger();
    case 'bytes':
      return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64'));
    case 'Quantity':
      return fc.constantFrom('0', '100m', '16Gi');
    case 'Time':
      return fc.integer({ min: 0, max: 4e9 }).map(timeText);
    case 'MicroTime':
      return fc.integer({ min: 0, max: 4e9 }).map((seconds) => microTimeText(seconds, 123_000));
    case 'IntOrString':
      return fc.oneof(fc.integer(), fc.string());
    case 'JSON':
      return fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
    case 'message':
      return anyMessage(field.message as Message, depth - 1);
  }
}

function anyMessage(message: Message, depth: number): fc.Arbitrary<Json> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of message.fields) {
    if (field.kind === 'message' && depth === 0) continue;
    const value = anyValue(field, depth);
    if (field.shape === 'list') fields[field.name] = fc.array(value, { maxLength: 2 });
    else if (field.shape === 'map') fields[field.name] = fc.dictionary(fc.string(), value, { maxKeys: 2 });
    else fields[field.name] = value;
  }
  const inline = message.fields.find(({ shape }) => shape === 'inline');
  const own = fc.record(fields, { requiredKeys: [] });
  if (inline === undefined || depth === 0) return own;
  delete fields[''];
  return fc
    .tuple(fc.record(fields, { requiredKeys: [] }), anyMessage(inline.message as Message, depth))
    .map(([around, within]) => ({ ...within, ...around }));
}

const kinds = [...allMessages()].filter(
  ({ group, message }) => group !== 'meta' && message.fields[0]?.message?.name === 'ObjectMeta',
);

describe('objects', () => {
  it.each(kinds)('$group $message.name come back, and are written the same again', ({ group, message }) => {
    fc.assert(
      fc.property(anyMessage(message, 4), (fields) => {
        const bytes = protobufCodec.encode({ ...fields, apiVersion: group, kind: message.name });
        const object = protobufCodec.decode(bytes) as Json;
        expect(object).toMatchObject({ apiVersion: group, kind: message.name });
        expect(protobufCodec.encode(object).equals(bytes)).toBe(true);
        expect(protobufCodec.decode(protobufCodec.encode(object))).toEqual(object);
      }),
      { numRuns: 40 },
    );
  });

  it('are what JSON has', () => {
    for (let index = 0; index < 50; index++) {
      expect(protobufCodec.decode(protobufCodec.encode(benchPod(index)))).toEqual(benchPod(index));
    }
  });

  it('are read as far as the view goes', () => {
    const bytes = protobufCodec.encode(benchPod(7));
    const whole = benchPod(7) as Json;
    const selections: Selection[] = [
      true,
      { metadata: { name: true } },
      { metadata: { labels: true }, status: { containerStatuses: { state: true, name: true } } },
      { spec: { volumes: { configMap: true, name: true } } },
    ];
    for (const selection of selections) {
      const seen = protobufCodec.decode(bytes, new View(selection)) as Json;
      const { apiVersion, kind, ...rest } = seen;
      expect({ apiVersion, kind }).toEqual({ apiVersion: 'v1', kind: 'Pod' });
      expect(rest).toEqual(selected(withoutType(whole), selection));
    }
    const misspelt: [Selection, string][] = [
      [{ metdata: true }, 'no field metdata in Pod'],
      [{ metadata: { nmae: true } }, 'no field nmae in ObjectMeta'],
      [{ spec: { volumes: { configMap: { naem: true } } } }, 'no field naem in ConfigMapVolumeSource'],
      [{ metadata: { name: { first: true } } }, 'no fields in name of ObjectMeta'],
      [{ metadata: { name: 'opaque' } }, 'no fields in name of ObjectMeta'],
    ];
    for (const [selection, message] of misspelt) {
      expect(() => protobufCodec.decode(bytes, new View(selection))).toThrow(message);
    }
  });

  it('go back as they came where nobody looks into them', () => {
    const annotated = { ...lease, metadata: { ...lease.metadata, annotations: { 'a/é': '…' } } };
    const bytes = protobufCodec.encode(annotated);
    const seen = protobufCodec.decode(bytes, leaseView) as typeof lease;
    expect(seen.metadata).toBeInstanceOf(Opaque);
    expect(protobufCodec.encode(seen)).toEqual(bytes);
    seen.spec.holderIdentity = 'm';
    expect(protobufCodec.decode(protobufCodec.encode(seen))).toEqual({
      ...annotated,
      spec: { ...lease.spec, holderIdentity: 'm' },
    });
    // Cut off anywhere, it is an error as any other.
    expect(() => protobufCodec.decode(bytes.subarray(0, 60), leaseView)).toThrow(WireFault);
  });

  it('of kinds without a table, and values that do not fit, are refused', () => {
    expect(() => protobufCodec.encode({ apiVersion: 'apps/v1', kind: 'Deployment' })).toThrow(
      'no table to write apps/v1 Deployment as protobuf',
    );
    for (const spec of [
      { nodeName: 5 },
      { priority: '5' },
      { containers: {} },
      { nodeSelector: [] },
      { hostPID: 1 },
    ]) {
      const [field = ''] = Object.keys(spec);
      expect(() => protobufCodec.encode({ apiVersion: 'v1', kind: 'Pod', spec })).toThrow(
        new RegExp(`^field ${field} cannot be `),
      );
    }
    // What was begun is not in the next one.
    expect(protobufCodec.decode(protobufCodec.encode(lease))).toEqual(lease);
  });

  it('have lists of their own kind', () => {
    expect(messageOf('v1', 'PodList')?.fields.map(({ name }) => name)).toEqual(['metadata', 'items']);
    expect(messageOf('v1', 'WidgetList')).toBeUndefined();
  });
});

function withoutType({ metadata, spec, status }: Json): Json {
  return { metadata, spec, status };
}

/** What JSON has of a selection. */
function selected(value: unknown, selection: Selection): unknown {
  if (selection === true || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => selected(each, selection));
  return Object.fromEntries(
    Object.entries(value as Json)
      .filter(([key]) => selection[key] !== undefined)
      .map(([key, each]) => [key, selected(each, selection[key] as Selection)]),
  );
}

describe('a watch', () => {
  const bytes = Buffer.concat([
    frame('ADDED', protobufCodec.encode(lease)),
    frame('MODIFIED', protobufCodec.encode(benchPod(1))),
    frame(
      'BOOKMARK',
      protobufCodec.encode({ apiVersion: 'v1', kind: 'Pod', metadata: { resourceVersion: '78' } }),
    ),
    frame('ERROR', protobufCodec.encode({ apiVersion: 'v1', kind: 'Status', code: 410, reason: 'Expired' })),
  ]);

  it('gives the same events however its bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 40 }), (cuts) => {
        const decoder = protobufCodec.watchDecoder();
        const points = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const events = points
          .slice(1)
          .flatMap((end, index) => decoder.push(bytes.subarray(points[index] ?? 0, end)));
        expect(events.map((event) => [event.type, event.resourceVersion])).toEqual([
          ['ADDED', '77'],
          ['MODIFIED', '100001'],
          ['BOOKMARK', '78'],
          ['ERROR', ''],
        ]);
        expect(events.map((event) => event.object())).toMatchObject([
          lease,
          benchPod(1) as object,
          { kind: 'Pod' },
          { kind: 'Status', code: 410, reason: 'Expired' },
        ]);
        expect(events.reduce((sum, event) => sum + event.sizeBytes, 0)).toBe(bytes.length);
      }),
    );
  });

  it('tells the metadata without the object', () => {
    const metadata = { uid: 'me', generation: 4, deletionTimestamp: '2026-11-21T05:05:10Z' };
    const misleading = { annotations: { uid: 'x' }, ownerReferences: [{ uid: 'owner', generation: 9 }] };
    const object = { apiVersion: 'v1', kind: 'Pod', metadata: { ...misleading, ...metadata } };
    const [event, other] = protobufCodec
      .watchDecoder()
      .push(
        Buffer.concat([
          frame('MODIFIED', protobufCodec.encode(object)),
          frame('ADDED', protobufCodec.encode(lease)),
        ]),
      );
    expect(event?.metadata()).toEqual({ uid: 'me', generation: 4, deleting: true });
    expect(other?.metadata()).toEqual({ uid: 'u-1', generation: 3, deleting: false });
  });
});

describe('bytes that are not what they should be', () => {
  const good = protobufCodec.encode(benchPod(3));
  const status = new View({ status: true });

  it('give a typed error wherever they are cut off', () => {
    for (let length = 0; length < good.length; length++) {
      expectNoOtherError(() => protobufCodec.decode(good.subarray(0, length)));
    }
    expect(() => protobufCodec.decode(good.subarray(0, good.length - 5))).toThrow(/not protobuf on the wire/);
    expect(() => protobufCodec.decode(Buffer.from('{"kind":"Pod"}'))).toThrow('no k8s envelope');
  });

  it('give a typed error, or an object, whichever of them are changed', () => {
    const change = fc.tuple(fc.integer({ min: 0, max: good.length - 1 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bad = Buffer.from(good);
        for (const [at, byte] of changes) bad[at] = byte;
        expectNoOtherError(() => protobufCodec.decode(bad));
        expectNoOtherError(() => protobufCodec.decode(bad, status));
        expectNoOtherError(() => {
          for (const event of protobufCodec.watchDecoder().push(frame('ADDED', bad))) event.metadata();
        });
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (random) => {
        expectNoOtherError(() => protobufCodec.decode(envelope('Pod', Buffer.from(random))));
        expectNoOtherError(() => protobufCodec.watchDecoder().push(Buffer.from(random)));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    [
      'a length beyond the end',
      Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
      /bytes announced where 0 are/,
    ],
    ['a negative length', Buffer.from([0x0a, ...Array<number>(9).fill(0xff), 0x01]), /-1 bytes announced/],
    ['a varint that does not end', Buffer.alloc(40, 0xff), /more than 64 bits/],
    ['a group', Buffer.from([0x7b]), /wire type 3/],
    ['a wire type that the field does not have', Buffer.from([0x08, 0x01]), /wire type 0 for metadata/],
    [
      'a time that is none',
      delimited(1, delimited(8, Buffer.from([0x08, ...Array<number>(8).fill(0xff), 0x7f]))),
      /a time that is none/,
    ],
    [
      'a nested field that ends too late',
      Buffer.from([0x0a, 0x02, 0x38, 0xff, 0x01]),
      /ends beyond its message/,
    ],
  ])('refuses %s', (_, message, expected) => {
    expect(() => protobufCodec.decode(envelope('Pod', message))).toThrow(expected);
  });

  it('cannot have millions of elements in a few bytes each', () => {
    const empty = Buffer.alloc(4 * 1024 * 1024);
    for (let at = 0; at < empty.length; at += 2) empty[at] = (2 << 3) | 2;
    // Two million containers of nothing.
    expect(() => protobufCodec.decode(envelope('Pod', delimited(2, empty)))).toThrow(
      'more list elements than an object can have',
    );
    expect(protobufCodec.decode(envelope('Pod', delimited(2, empty)), status)).toMatchObject({ kind: 'Pod' });
  });

  it('may be nested as deep as they like where nobody looks', () => {
    let nested = Buffer.from([0x08, 0x01]);
    for (let depth = 0; depth < 2000; depth++) nested = Buffer.from(delimited(15, nested));
    expect(protobufCodec.decode(envelope('Pod', nested))).toEqual({ kind: 'Pod', apiVersion: 'v1' });
  });

  it('are refused before they are gathered when the frame is too long', () => {
    const header = Buffer.from([0x01, 0x00, 0x00, 0x01]);
    expect(() => protobufCodec.watchDecoder().push(header)).toThrow(/more than 16777216 bytes/);
    expect(() => protobufCodec.watchDecoder().push(frame('GONE', good))).toThrow(
      /a watch event of type "GONE"/,
    );
  });

  it('do not change what a map is', () => {
    const entry = delimited(11, delimited(1, '__proto__'), delimited(2, 'x'));
    const { metadata } = protobufCodec.decode(envelope('Pod', delimited(1, entry))) as {
      metadata: { labels: Json };
    };
    expect(Object.entries(metadata.labels)).toEqual([['__proto__', 'x']]);
    expect(Object.getPrototypeOf(metadata.labels)).toBe(Object.prototype);
  });
});

it('an answer is read as what its Content-Type says', () => {
  expect(codecOf('application/vnd.kubernetes.protobuf').name).toBe('protobuf');
  expect(codecOf('application/vnd.kubernetes.protobuf;stream=watch').name).toBe('protobuf');
  expect(codecOf('application/json').name).toBe('json');
  expect(codecOf('').name).toBe('json');
});
