/** Readers of decoded JSON that nobody vouches for: what is missing or of another type is empty. */
export type Raw = { [key: string]: unknown };

export const list = (value: unknown): Raw[] => (Array.isArray(value) ? (value as Raw[]) : []);
export const map = (value: unknown): Raw =>
  typeof value === 'object' && value !== null ? (value as Raw) : {};
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const number = (value: unknown, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise;

/** A metav1.Time as milliseconds of the wall clock; undefined when there is none. */
export function wallMsOf(time: unknown): number | undefined {
  const ms = Date.parse(text(time));
  return Number.isNaN(ms) ? undefined : ms;
}
