import { HollowmarkError } from '../base/errors.ts';

/** What Kubernetes can write: years 1 to 9999. */
const secondsMin = -62_135_596_800;
const secondsMax = 253_402_300_799;

/** Times recur: all conditions of a pod, all pods of a second. */
const recent = Array.from({ length: 256 }, () => ({ seconds: Number.NaN, text: '' }));

/**
 * Seconds since 1970 as metav1.Time: `2026-11-21T05:03:10Z`.
 * @throws RangeError outside the years 1 to 9999.
 */
export function timeText(seconds: number): string {
  const entry = recent[seconds & 255];
  if (entry?.seconds === seconds) return entry.text;
  if (!(seconds >= secondsMin && seconds <= secondsMax)) throw new RangeError(`time ${seconds}`);
  const text = `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
  recent[seconds & 255] = { seconds, text };
  return text;
}

/** As metav1.MicroTime: `2026-11-21T05:03:10.495198Z`. @throws RangeError as {@link timeText}. */
export function microTimeText(seconds: number, nanos: number): string {
  const micros = Math.floor(nanos / 1000);
  if (!(micros >= 0 && micros < 1_000_000)) throw new RangeError(`${nanos} ns in a time`);
  return `${timeText(seconds).slice(0, -1)}.${String(micros).padStart(6, '0')}Z`;
}

let lastText = '';
let lastTime = { seconds: 0, nanos: 0 };

/**
 * The inverse of both, with whole microseconds; any offset of RFC 3339 is understood.
 * @throws HollowmarkError `internal` for anything else.
 */
export function parseTime(text: string): { seconds: number; nanos: number } {
  if (text === lastText) return lastTime;
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  const seconds = match === null ? Number.NaN : Date.parse(`${match[1]}${match[3]}`) / 1000;
  if (Number.isNaN(seconds)) throw new HollowmarkError('internal', `not a time: ${text}`);
  const micros = Number((match?.[2] ?? '').padEnd(6, '0').slice(0, 6));
  lastText = text;
  lastTime = { seconds, nanos: micros * 1000 };
  return lastTime;
}
