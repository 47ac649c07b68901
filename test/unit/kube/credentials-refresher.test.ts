import { describe, expect, it } from 'vitest';
import { CredentialsRefresher, type FreshCredentials } from '../../../src/kube/credentials-refresher.ts';
import type { Credentials } from '../../../src/kube/identity.ts';

/** Time that stands still until it is told to go on. */
class World {
  nowMs = 1_000_000;
  timers: { dueMs: number; run: () => void }[] = [];
  readonly clock = {
    nowUs: () => this.nowMs * 1000,
    wallMs: () => this.nowMs,
    timer: (delayMs: number, run: () => void) => {
      const timer = { dueMs: this.nowMs + delayMs, run };
      this.timers.push(timer);
      return { cancel: () => void (this.timers = this.timers.filter((other) => other !== timer)) };
    },
  };

  /** Delay of the only timer; undefined when there is none. */
  get nextMs(): number | undefined {
    expect(this.timers.length).toBeLessThan(2);
    return this.timers[0] === undefined ? undefined : this.timers[0].dueMs - this.nowMs;
  }

  async go(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const due = this.timers
        .filter(({ dueMs }) => dueMs <= untilMs)
        .toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.nowMs = due.dueMs;
      this.timers = this.timers.filter((other) => other !== due);
      due.run();
      await new Promise(setImmediate);
    }
    this.nowMs = untilMs;
  }
}

/** A refresher whose source gives `answers` in turn, an Error by throwing it. */
function refresher(first: FreshCredentials, answers: (FreshCredentials | Error)[], world = new World()) {
  const updates: Credentials[] = [];
  const failures: unknown[] = [];
  let calls = 0;
  const one = new CredentialsRefresher({
    source: async () => {
      calls++;
      const answer = answers.shift();
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no more');
      return answer;
    },
    first,
    clock: world.clock,
    onUpdate: (credentials) => updates.push(credentials),
    onFailure: (error) => failures.push(error),
  });
  return { world, one, updates, failures, calls: () => calls };
}

const token = (text: string, more: Omit<FreshCredentials, 'credentials'> = {}): FreshCredentials => ({
  credentials: { token: text },
  ...more,
});

describe('CredentialsRefresher', () => {
  it('renews at 80 % of the remaining life, and at least 30 s before its end', async () => {
    const world = new World();
    const start = world.nowMs;
    const at = (ms: number): { expiresAtMs: number } => ({ expiresAtMs: start + ms });
    const { updates } = refresher(
      token('a', at(1_000_000)),
      [token('b', at(900_000)), token('c', at(900_001)), token('d')],
      world,
    );
    expect(world.nextMs).toBe(800_000);
    await world.go(800_000);
    expect(updates).toEqual([{ token: 'b' }]);
    // 100 s remain: 30 s before the end is sooner than 80 %.
    expect(world.nextMs).toBe(70_000);
    await world.go(70_000);
    // 30.001 s remain: not at once again.
    expect(world.nextMs).toBe(5_000);
    await world.go(5_000);
    expect(updates).toEqual([{ token: 'b' }, { token: 'c' }, { token: 'd' }]);
    expect(world.nextMs).toBeUndefined();
  });

  it('leaves alone what neither expires nor lies in a file', () => {
    expect(refresher(token('a'), []).world.nextMs).toBeUndefined();
  });

  it('looks at files every minute, and tells only of what has changed', async () => {
    const recheck = { recheckAfterMs: 60_000 };
    const { world, updates, calls } = refresher(token('a', recheck), [
      token('a', recheck),
      token('b', recheck),
      token('b', recheck),
    ]);
    await world.go(180_000);
    expect(calls()).toBe(3);
    expect(updates).toEqual([{ token: 'b' }]);
  });

  it('reports failures, and tries again later and later, up to a minute', async () => {
    const errors = Array.from({ length: 7 }, (_, index) => new Error(String(index)));
    const { world, updates, failures } = refresher(token('a', { recheckAfterMs: 60_000 }), [
      ...errors,
      token('b'),
    ]);
    const delaysMs: (number | undefined)[] = [];
    while (world.nextMs !== undefined) {
      delaysMs.push(world.nextMs);
      await world.go(world.nextMs);
    }
    expect(delaysMs).toEqual([60_000, 5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
    expect(failures).toEqual(errors);
    expect(updates).toEqual([{ token: 'b' }]);
  });

  it('renews at once after a 401, once for all who ask', async () => {
    const { world, one, updates, calls } = refresher(token('a', { expiresAtMs: 100_000_000 }), [
      token('b', { expiresAtMs: 100_000_000 }),
      token('c'),
    ]);
    await Promise.all([one.renewNow(), one.renewNow()]);
    await one.renewNow();
    expect(updates).toEqual([{ token: 'b' }]);
    expect(world.nextMs).toBeGreaterThan(1_000_000);
    await world.go(5_000);
    await one.renewNow();
    expect(calls()).toBe(2);
  });

  it('does nothing once it is stopped', async () => {
    const { world, one, updates, failures } = refresher(token('a', { recheckAfterMs: 60_000 }), [token('b')]);
    const renewal = one.renewNow();
    one.stop();
    await renewal;
    expect(world.nextMs).toBeUndefined();
    await one.renewNow();
    expect({ updates, failures }).toEqual({ updates: [], failures: [] });
  });
});
