import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { join } from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';
import { systemClock } from '../../base/clock.ts';
import { profileDirVariable, profileName } from './profile-files.ts';

/*
 * Loaded before everything else by `--import`, in every thread of a program that is measured: takes a CPU profile of the
 * thread it is in. Node's own --cpu-prof would lose the worker threads', as they are terminated, and is not passed on to
 * the fleet's process.
 */

/** A profile is written this often, so that a thread that is ended at once loses no more than this. */
const partMs = 5_000;

const samplingIntervalUs = 1_000;

const dir = process.env[profileDirVariable];
if (dir !== undefined) profileThread(dir);

function profileThread(to: string): void {
  const session = new Session();
  session.connect();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: samplingIntervalUs });
  session.post('Profiler.start');
  let part = 0;
  const write = (): void => {
    // Within one thread the answer comes before `post` returns.
    session.post('Profiler.stop', (error, answer) => {
      if (error !== null) return;
      const name = profileName(process.pid, isMainThread ? 0 : threadId, part++);
      writeFileSync(join(to, name), JSON.stringify(answer.profile));
    });
  };
  const next = (): void => {
    write();
    session.post('Profiler.start');
    systemClock.timer(partMs, next);
  };
  systemClock.timer(partMs, next);
  process.once('exit', write);
}
