/** Where a program that is measured puts the profiles of its threads. */
export const profileDirVariable = 'HOLLOWMARK_PROFILE_DIR';

/** A part of the profile of one thread. */
export function profileName(pid: number, thread: number, part: number): string {
  return `${pid}-${thread}-${part}.cpuprofile`;
}

/** The process that a profile is of; undefined when the file is none. */
export function pidOf(name: string): number | undefined {
  const pid = /^(\d+)-\d+-\d+\.cpuprofile$/.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
