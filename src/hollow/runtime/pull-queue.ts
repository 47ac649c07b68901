import type { Image } from './image-catalogue.ts';

/** Clocks of floating point: what is due so soon is due now. */
const onTimeMs = 0.001;

/** One pull of an image. Times are those of the owner's clock. */
export type Pull = {
  readonly image: Image;
  /** Nothing of the image is missing. */
  readonly isThere: boolean;
  readonly askedMs: number;
  /** What comes before the first byte. */
  readonly overheadMs: number;
  /** Why it comes to nothing after that, if it does. */
  readonly failure: string | undefined;
  /** When it had a place. */
  startMs: number | undefined;
  /** Since when it is over; undefined until then. */
  endMs: number | undefined;
};

type Active = {
  pull: Pull;
  resolvedMs: number;
  resolved: boolean;
  leftBytes: number;
  digests: readonly string[];
};

/**
 * The pulls of one node: so many at a time, the others in the order in which they were asked for. Those that fetch share
 * the bandwidth evenly at every moment, and a layer is fetched once: who needs one that another pull is fetching waits for
 * it. Goes from event to event (a pull has the manifest, or its last byte), never by ticks.
 */
export class PullQueue {
  private readonly places: number;
  private readonly bytesPerMs: number;
  /** Layers that are there. */
  private readonly there: Set<string>;
  /** Whether a layer is there from the start. */
  private readonly isInitial: (digest: string) => boolean;
  private waiting: Pull[] = [];
  private active: Active[] = [];
  private nowMs = 0;

  constructor(
    { places, bytesPerSecond }: { places: number; bytesPerSecond: number },
    isInitial: (digest: string) => boolean,
    there = new Set<string>(),
  ) {
    this.places = places;
    this.bytesPerMs = bytesPerSecond / 1000;
    this.isInitial = isInitial;
    this.there = there;
  }

  add(pull: Pull, nowMs: number): void {
    this.advance(nowMs);
    this.waiting.push(pull);
    this.begin();
  }

  /** Brings all pulls to where they are by now. */
  advance(nowMs: number): void {
    for (;;) {
      const eventMs = this.nextEventMs();
      if (eventMs === undefined || eventMs > nowMs + onTimeMs) break;
      this.passTo(Math.max(eventMs, this.nowMs));
      this.settle();
    }
    this.passTo(Math.max(nowMs, this.nowMs));
  }

  /** When the pull ends if none is added before: those that are can only put it off. */
  endOf(pull: Pull, nowMs: number): number {
    this.advance(nowMs);
    if (pull.endMs !== undefined) return pull.endMs;
    const [copy, mine] = this.copy(pull);
    while (mine.endMs === undefined) {
      const eventMs = copy.nextEventMs();
      if (eventMs === undefined) return Number.POSITIVE_INFINITY;
      copy.passTo(Math.max(eventMs, copy.nowMs));
      copy.settle();
    }
    return mine.endMs;
  }

  private copy(followed: Pull): [PullQueue, Pull] {
    const { places, bytesPerMs } = this;
    const copy = new PullQueue(
      { places, bytesPerSecond: bytesPerMs * 1000 },
      this.isInitial,
      new Set(this.there),
    );
    let mine = followed;
    const copied = (pull: Pull): Pull => {
      const same = { ...pull };
      if (pull === followed) mine = same;
      return same;
    };
    copy.waiting = this.waiting.map(copied);
    copy.active = this.active.map((one) => ({ ...one, pull: copied(one.pull) }));
    copy.nowMs = this.nowMs;
    return [copy, mine];
  }

  /** When a pull next has its manifest or its bytes. */
  private nextEventMs(): number | undefined {
    const fetching = this.fetching.length;
    const times = this.active.flatMap(({ resolved, resolvedMs, leftBytes }) => {
      if (!resolved) return [resolvedMs];
      return leftBytes > 0 ? [this.nowMs + (leftBytes / this.bytesPerMs) * fetching] : [];
    });
    return times.length === 0 ? undefined : Math.min(...times);
  }

  private get fetching(): Active[] {
    return this.active.filter(({ resolved, leftBytes }) => resolved && leftBytes > 0);
  }

  private passTo(timeMs: number): void {
    const { fetching } = this;
    const bytes = ((timeMs - this.nowMs) * this.bytesPerMs) / Math.max(1, fetching.length);
    for (const one of fetching) this.take(one, bytes);
    this.nowMs = timeMs;
  }

  /** What follows from the time that it is now. */
  private settle(): void {
    for (const one of this.active) {
      if (!one.resolved && one.resolvedMs <= this.nowMs + onTimeMs) this.resolve(one);
    }
    const over = this.active.filter((one) => this.isOver(one));
    if (over.length === 0) return;
    for (const { pull } of over) pull.endMs = this.nowMs;
    this.active = this.active.filter(({ pull }) => pull.endMs === undefined);
    this.begin();
  }

  private resolve(one: Active): void {
    one.resolved = true;
    const { failure, image, isThere } = one.pull;
    if (failure !== undefined || isThere) return;
    const fetched = new Set(this.active.flatMap(({ digests }) => digests));
    const missing = image.layers.filter(({ digest }) => !this.has(digest) && !fetched.has(digest));
    one.digests = missing.map(({ digest }) => digest);
    one.leftBytes = missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.take(one, 0);
  }

  /** So many bytes have come. */
  private take(one: Active, bytes: number): void {
    one.leftBytes -= bytes;
    // What is fetched in no time is there.
    if (one.leftBytes > onTimeMs * this.bytesPerMs) return;
    one.leftBytes = 0;
    for (const digest of one.digests) this.there.add(digest);
  }

  private isOver({ pull, resolved, leftBytes }: Active): boolean {
    if (!resolved || leftBytes > 0) return false;
    return (
      pull.failure !== undefined || pull.isThere || pull.image.layers.every(({ digest }) => this.has(digest))
    );
  }

  private has(digest: string): boolean {
    return this.there.has(digest) || this.isInitial(digest);
  }

  /** Those that wait get the places that are free. */
  private begin(): void {
    while (this.active.length < this.places) {
      const pull = this.waiting.shift();
      if (pull === undefined) return;
      pull.startMs = this.nowMs;
      const resolvedMs = this.nowMs + pull.overheadMs;
      this.active.push({ pull, resolvedMs, resolved: false, leftBytes: 0, digests: [] });
    }
  }
}
