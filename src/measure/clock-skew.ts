/** Times have whole milliseconds, so that an instant lies up to one after what a clock says. */
const grainMs = 1;

/** A server says in whole seconds when it answered: in which second its clock was. */
const secondMs = 1000;

/**
 * By how much the API server's wall clock is ahead of ours, from the `Date` of its answers: it was written between our send
 * and our receipt, so each answer gives two bounds, and many of them leave a few milliseconds in between.
 */
export class ClockSkew {
  /** The farthest from 0 that it was for certain, in milliseconds, behind being negative; undefined when no answer said. */
  certainMs: number | undefined;
  private leastMs = Number.NEGATIVE_INFINITY;
  private mostMs = Number.POSITIVE_INFINITY;

  /** @param date as HTTP writes it; what is no date says nothing */
  add(date: string, sentWallMs: number, answeredWallMs: number): void {
    const serverMs = Date.parse(date);
    if (Number.isNaN(serverMs)) return;
    const leastMs = serverMs - answeredWallMs - grainMs;
    const mostMs = serverMs + secondMs - sentWallMs;
    this.leastMs = Math.max(this.leastMs, leastMs);
    this.mostMs = Math.min(this.mostMs, mostMs);
    // One of the clocks was set, or another server answers: what was known holds no more.
    if (this.leastMs > this.mostMs) [this.leastMs, this.mostMs] = [leastMs, mostMs];
    const certainMs = Math.max(0, this.leastMs) + Math.min(0, this.mostMs);
    if (Math.abs(certainMs) >= Math.abs(this.certainMs ?? 0)) this.certainMs = certainMs;
  }
}
