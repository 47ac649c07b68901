import { HollowmarkError } from '../base/errors.ts';
import type { GateRun } from './gate-run.ts';
import { type Allowance, type RunIdentity, differencesOf } from './identity.ts';
import type { ReadRun } from './read-runs.ts';

/** Fields that one message lists; two scenarios that have nothing in common differ in hundreds. */
const listedMax = 6;

/**
 * Runs that count. Those that were found in a folder and do not count are left out, with a note. One that was named itself
 * is not, and where none is left there is nothing: then `refusal` says why.
 */
export function countedRuns<T extends Pick<ReadRun, 'run' | 'named'>>(
  read: readonly T[],
  allowed: readonly Allowance[],
): { counted: T[]; notes: string[]; refusal: string | undefined } {
  const isLost = ({ run }: T): boolean => run.unusable !== null && !allowed.includes('invalid');
  const lost = read.filter(isLost);
  const counted = read.filter((one) => !isLost(one));
  const named = lost.find((one) => one.named);
  const texts = lost.map(({ run }) => uncountedText(run));
  const none =
    counted.length > 0 || lost.length === 0
      ? undefined
      : `no run counts: ${texts.slice(0, listedMax).join('; ')}`;
  return {
    counted,
    notes: texts.map((text) => `left out: ${text}`),
    refusal: named === undefined ? none : uncountedText(named.run),
  };
}

const uncountedText = ({ id, unusable }: GateRun): string => `run ${id} does not count: ${unusable}`;

/** @throws HollowmarkError `bad-input` with why runs that others are to be compared with do not count. */
export function requireCounted(refusal: string | undefined): void {
  if (refusal === undefined) return;
  throw new HollowmarkError('bad-input', refusal, {
    hint: 'leave it out, or do it again; --allow invalid takes it all the same',
  });
}

/**
 * Refuses runs that are unlike each other, and those that say nothing.
 * @returns what was allowed although it differs, for the report.
 * @throws HollowmarkError `bad-input` with the fields and their values.
 */
export function requireAlike(
  runs: readonly GateRun[],
  reference: GateRun | undefined,
  allowed: readonly Allowance[],
): string[] {
  const notes = new Set<string>();
  for (const run of runs) {
    if (run.unusable === null) continue;
    if (!allowed.includes('invalid')) requireCounted(uncountedText(run));
    notes.add(`allowed: ${uncountedText(run)}`);
  }
  if (reference === undefined) return [...notes];
  for (const run of runs) {
    for (const note of requireLike(`run ${run.id} is`, run.identity, reference, allowed)) notes.add(note);
  }
  return [...notes];
}

/**
 * Refuses a run that is unlike another.
 * @param subject of the message: `run ID is`.
 * @returns what was allowed although it differs.
 * @throws HollowmarkError `bad-input` with the fields and their values.
 */
export function requireLike(
  subject: string,
  identity: RunIdentity,
  reference: Pick<GateRun, 'id' | 'identity'>,
  allowed: readonly Allowance[],
): string[] {
  const found = differencesOf(reference.identity, identity);
  const refused = found.filter(({ allowance }) => !allowed.includes(allowance));
  if (refused.length === 0) {
    return found.map(({ field, first, second }) => `allowed: ${field}: ${first} and ${second}`);
  }
  const lines = refused
    .slice(0, listedMax)
    .map(({ field, first, second }) => `${field}: ${first} there, ${second} here`);
  const more = refused.length > listedMax ? `; and ${refused.length - listedMax} more` : '';
  const words = [...new Set(refused.map(({ allowance }) => allowance))].join(',');
  throw new HollowmarkError(
    'bad-input',
    `${subject} unlike run ${reference.id}: ${lines.join('; ')}${more}`,
    {
      hint: `what they differ in would be measured; --allow ${words} compares them all the same, and after a change that is meant to stay \`hollowmark baseline accept\` begins a baseline anew`,
    },
  );
}
