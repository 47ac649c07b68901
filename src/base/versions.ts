/** Whether version `1.24.1` is older than `1.26.0`; what is no version (a development version) counts as new. */
export function isOlder(actual: string, wanted: string): boolean {
  const [a, b] = [actual, wanted].map((text) =>
    /^(\d+)\.(\d+)(?:\.(\d+))?/
      .exec(text)
      ?.slice(1)
      .map((n) => Number(n ?? 0)),
  );
  if (a === undefined || b === undefined) return false;
  const differing = a.findIndex((part, i) => part !== b[i]);
  return differing >= 0 && (a[differing] ?? 0) < (b[differing] ?? 0);
}
