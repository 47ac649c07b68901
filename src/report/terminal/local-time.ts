/**
 * A moment in the user's zone: `2026-11-21 09:59:05 GMT+1`. For terminals; files have UTC.
 * @param at RFC 3339; @param timeZone an IANA name, the machine's unless told otherwise.
 */
export function localTime(at: string, timeZone?: string): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'short',
    timeStyle: 'long',
    ...(timeZone === undefined ? {} : { timeZone }),
  }).formatToParts(new Date(at));
  const part = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((found) => found.type === type)?.value ?? '';
  const date = `${part('year')}-${part('month')}-${part('day')}`;
  return `${date} ${part('hour')}:${part('minute')}:${part('second')} ${part('timeZoneName')}`;
}
