import { writeFileSync } from 'node:fs';
import { type Clock, sleep } from './clock.ts';

/** Without privileges, one such change is allowed every 100 ms on the whole machine (EAGAIN). */
const retryMs = 120;
const triesMax = 20;

/**
 * Lowers the priority of a session as a whole. Where Linux schedules by sessions (autogroups, sched(7)), nice values count
 * only among the processes of one session, and a process that leads its own competes by this one. Elsewhere, or where it
 * is not permitted, nothing happens.
 *
 * @param pid of any process of the session
 */
export async function lowerSession(pid: number, niceness: number, clock: Clock): Promise<void> {
  for (let tries = 0; tries < triesMax; tries++) {
    try {
      writeFileSync(`/proc/${pid}/autogroup`, String(niceness), { flag: 'r+' });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
    }
    await sleep(clock, retryMs);
  }
}
