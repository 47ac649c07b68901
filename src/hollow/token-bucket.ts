/**
 * client-go's rate limiter (a token bucket) by reservation: callers are told how long to wait, in the order in which
 * they asked. Times in milliseconds of any one clock.
 */
export class TokenBucket {
  private readonly perMs: number;
  private readonly burst: number;
  private tokens: number;
  private updatedMs: number;

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.perMs = perSecond / 1000;
    this.burst = burst;
    this.tokens = burst;
    this.updatedMs = nowMs;
  }

  /** Takes one token and says how long to wait before acting on it: 0 within the burst. */
  reserveMs(nowMs: number): number {
    this.refill(nowMs);
    this.tokens -= 1;
    return this.tokens >= 0 ? 0 : -this.tokens / this.perMs;
  }

  /** Takes a token if there is one now. */
  tryTake(nowMs: number): boolean {
    this.refill(nowMs);
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  private refill(nowMs: number): void {
    if (nowMs <= this.updatedMs) return;
    this.tokens = Math.min(this.burst, this.tokens + (nowMs - this.updatedMs) * this.perMs);
    this.updatedMs = nowMs;
  }
}
