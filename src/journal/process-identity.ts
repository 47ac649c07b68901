import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * When a process was started, in words that differ for any two processes that had the same id, also across a
 * reboot; `undefined` when there is no such process (a zombie counts as none).
 */
export function processStart(pid: number): string | undefined {
  return process.platform === 'linux' ? linuxProcessStart(pid) : psProcessStart(pid);
}

/** Whether a signal has stopped the process (state T); false where the system does not tell. */
export function isStopped(pid: number): boolean {
  return linuxProcess(pid)?.[0] === 'T';
}

/** Whether the process leads its session (setsid): it was meant to outlive whoever started it. */
export function leadsSession(pid: number): boolean {
  return linuxProcess(pid)?.[3] === String(pid);
}

/**
 * What makes process ids comparable: those of another boot are all gone, and those of another PID namespace (a
 * container that shares our folder for temporary files) cannot be looked up here. Empty where the system does not tell.
 */
export function processScope(): { boot: string; namespace: string } {
  try {
    return { boot: bootId(), namespace: readlinkSync('/proc/self/ns/pid') };
  } catch {
    return { boot: '', namespace: '' };
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** proc(5): the command may hold spaces and brackets; after the last bracket come state (3), ppid (4) and so on. */
function linuxProcess(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function linuxProcessStart(pid: number): string | undefined {
  const fields = linuxProcess(pid);
  if (fields === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return `${bootId()}/${fields[19]}`;
}

function psProcessStart(pid: number): string | undefined {
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return started === '' ? undefined : started;
  } catch {
    return undefined;
  }
}
