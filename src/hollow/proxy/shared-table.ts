import { createHash } from 'node:crypto';
import type { RawWatchEvent } from '../../wire/codec.ts';

/** One version of one object, decoded once for all proxies of a shard. */
export type Shared<T> = {
  readonly uid: string;
  readonly version: string;
  /** Undefined for an object that a proxy leaves alone. */
  readonly value: T | undefined;
  /** Two numbers of 48 bits, from uid and version. */
  readonly digest: readonly [number, number];
};

/** The parts of a watch event that a table looks at. */
export type TableEvent = Pick<RawWatchEvent, 'type' | 'resourceVersion' | 'metadata' | 'object'>;

/**
 * The objects that the proxies of a shard have in their tables, each once. Holds them weakly: an object goes with the
 * last table that it is in.
 */
export class ObjectPool<T> {
  private readonly latest = new Map<string, WeakRef<Shared<T>>>();
  private readonly gone = new FinalizationRegistry<string>((uid) => {
    if (this.latest.get(uid)?.deref() === undefined) this.latest.delete(uid);
  });
  private readonly read: (object: unknown) => T | undefined;
  /** How many objects have been decoded so far. */
  decodedCount = 0;

  constructor(read: (object: unknown) => T | undefined) {
    this.read = read;
  }

  /** The event's object; decoded only when its version is not the one that was seen last of this object. */
  objectOf(event: TableEvent): Shared<T> {
    const { uid } = event.metadata();
    const version = event.resourceVersion;
    const known = this.latest.get(uid)?.deref();
    if (known !== undefined && known.version === version) return known;
    this.decodedCount++;
    const object = { uid, version, value: this.read(event.object()), digest: digestOf(uid, version) };
    this.latest.set(uid, new WeakRef(object));
    this.gone.register(object, uid);
    return object;
  }
}

const bucketCount = 256;
const modulus = 2 ** 48;

/** The objects of a collection at one time, by uid. Never changed: {@link SharedTables} makes another one. */
export class Table<T> {
  readonly size: number;
  /** The sums of the objects' digests: tables of equal sums have the same content, whatever its order. */
  readonly digest: readonly [number, number];
  private readonly buckets: readonly ReadonlyMap<string, Shared<T>>[];

  constructor(
    size: number,
    digest: readonly [number, number],
    buckets: readonly ReadonlyMap<string, Shared<T>>[],
  ) {
    this.size = size;
    this.digest = digest;
    this.buckets = buckets;
  }

  get(uid: string): Shared<T> | undefined {
    return this.buckets[bucketOf(uid)]?.get(uid);
  }

  *objects(): Generator<Shared<T>> {
    for (const bucket of this.buckets) yield* bucket.values();
  }

  /** The buckets with `object` in its place, or without one of this uid. Only the bucket that changes is copied. */
  bucketsWith(uid: string, object: Shared<T> | undefined): readonly ReadonlyMap<string, Shared<T>>[] {
    const at = bucketOf(uid);
    const bucket = new Map(this.buckets[at]);
    if (object === undefined) bucket.delete(uid);
    else bucket.set(uid, object);
    return this.buckets.with(at, bucket);
  }
}

/**
 * The tables of all proxies of a shard. Each proxy has the table that its own watch has led to, and tables of equal
 * content are one object, so that a thousand proxies which have seen the same have one table between them. Holds them
 * weakly.
 */
export class SharedTables<T> {
  private readonly known = new Map<string, WeakRef<Table<T>>>();
  private readonly gone = new FinalizationRegistry<string>((key) => {
    if (this.known.get(key)?.deref() === undefined) this.known.delete(key);
  });
  readonly empty: Table<T> = new Table(
    0,
    [0, 0],
    Array<ReadonlyMap<string, Shared<T>>>(bucketCount).fill(new Map()),
  );

  /** The table of exactly these objects. */
  of(objects: ReadonlyMap<string, Shared<T>>): Table<T> {
    let low = 0;
    let high = 0;
    for (const { digest } of objects.values()) {
      low = (low + digest[0]) % modulus;
      high = (high + digest[1]) % modulus;
    }
    return this.find(objects.size, [low, high], () => {
      const buckets = Array.from({ length: bucketCount }, () => new Map<string, Shared<T>>());
      for (const object of objects.values()) buckets[bucketOf(object.uid)]?.set(object.uid, object);
      return buckets;
    });
  }

  /** `table` with `object` in its place. */
  with(table: Table<T>, object: Shared<T>): Table<T> {
    const previous = table.get(object.uid);
    const size = previous === undefined ? table.size + 1 : table.size;
    return this.find(size, sum(table.digest, previous?.digest, object.digest), () =>
      table.bucketsWith(object.uid, object),
    );
  }

  /** `table` without the object of this uid, which has to be in it. */
  without(table: Table<T>, object: Shared<T>): Table<T> {
    return this.find(table.size - 1, sum(table.digest, object.digest, undefined), () =>
      table.bucketsWith(object.uid, undefined),
    );
  }

  private find(
    size: number,
    digest: readonly [number, number],
    buckets: () => readonly ReadonlyMap<string, Shared<T>>[],
  ): Table<T> {
    if (size === 0) return this.empty;
    const key = `${size}.${digest[0]}.${digest[1]}`;
    const found = this.known.get(key)?.deref();
    if (found !== undefined) return found;
    const table = new Table(size, digest, buckets());
    this.known.set(key, new WeakRef(table));
    this.gone.register(table, key);
    return table;
  }
}

type Digest = readonly [number, number];

function sum(digest: Digest, less: Digest | undefined, more: Digest | undefined): Digest {
  const at = (i: 0 | 1): number => (digest[i] - (less?.[i] ?? 0) + (more?.[i] ?? 0) + modulus) % modulus;
  return [at(0), at(1)];
}

function digestOf(uid: string, version: string): Digest {
  const hash = createHash('sha256').update(`${uid}/${version}`).digest();
  return [hash.readUIntLE(0, 6), hash.readUIntLE(6, 6)];
}

function bucketOf(uid: string): number {
  let hash = 0;
  for (let i = 0; i < uid.length; i++) hash = (hash * 31 + uid.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 8)) & (bucketCount - 1);
}
