/** `1 node`, `1,200 nodes`, `2 classes`. */
export function counted(value: number, noun: string): string {
  const plural = noun.endsWith('s') ? 'es' : 's';
  return `${value.toLocaleString('en-US')} ${noun}${value === 1 ? '' : plural}`;
}

/** `{nodes: 2, pods: 1100}` → `2 nodes, 1,100 pods`. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([resource, count]) => counted(count, resource.replace(/(?<=ss)es$|s$/, '')))
    .join(', ');
}

/** The first few of many names. */
export function someOf(names: readonly string[], max = 5): string {
  const rest = names.length - max;
  return `${names.slice(0, max).join(', ')}${rest > 0 ? ` and ${rest.toLocaleString('en-US')} more` : ''}`;
}

/** `35 s`, `12 min`, `5 h`, `3 d`. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
