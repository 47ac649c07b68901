import type { ObjectPool, Shared, SharedTables, Table, TableEvent } from './shared-table.ts';

/** Of an object: what it was and what it is; undefined when it was not there, or is gone. Never both. */
export type ChangeListener<T> = (before: Shared<T> | undefined, after: Shared<T> | undefined) => void;

/** What the proxies of a shard share of a collection. */
export type SharedCollection<T> = { pool: ObjectPool<T>; tables: SharedTables<T> };

/** One proxy's view of a collection, as its watch tells it: an informer's store with its handlers. */
export class CollectionView<T> {
  private readonly shared: SharedCollection<T>;
  private readonly onChange: ChangeListener<T>;
  private listing: Map<string, Shared<T>> | undefined;
  table: Table<T>;

  constructor(shared: SharedCollection<T>, onChange: ChangeListener<T>) {
    this.shared = shared;
    this.onChange = onChange;
    this.table = shared.tables.empty;
  }

  onListing(): void {
    this.listing = new Map();
  }

  onEvent(event: TableEvent): void {
    const { pool, tables } = this.shared;
    if (event.type === 'DELETED') {
      const { uid } = event.metadata();
      if (this.listing !== undefined) this.listing.delete(uid);
      else this.remove(uid);
      return;
    }
    const object = pool.objectOf(event);
    if (this.listing !== undefined) {
      this.listing.set(object.uid, object);
      return;
    }
    const before = this.table.get(object.uid);
    if (before?.version === object.version) return;
    this.table = tables.with(this.table, object);
    this.onChange(before, object);
  }

  /** The listing is complete: what is not in it is gone. */
  onSynced(): void {
    const listed = this.listing ?? new Map<string, Shared<T>>();
    this.listing = undefined;
    const before = this.table;
    this.table = this.shared.tables.of(listed);
    if (this.table === before) return;
    for (const object of listed.values()) {
      const known = before.get(object.uid);
      if (known?.version !== object.version) this.onChange(known, object);
    }
    for (const object of before.objects()) {
      if (!listed.has(object.uid)) this.onChange(object, undefined);
    }
  }

  private remove(uid: string): void {
    const before = this.table.get(uid);
    if (before === undefined) return;
    this.table = this.shared.tables.without(this.table, before);
    this.onChange(before, undefined);
  }
}
