import { withoutControls } from '../plain-text.ts';

export type Sample = {
  /** Behind the family's name: `_total`, `_count`, … */
  suffix: string;
  labels: Readonly<Record<string, string>>;
  value: number;
};

/** Metrics of one name; all their samples stand together. */
export type Family = {
  name: string;
  type: 'counter' | 'gauge' | 'summary';
  /** The name ends with it. Absent for what is counted. */
  unit?: string;
  help: string;
  samples: readonly Sample[];
};

/**
 * OpenMetrics 1.0 text, whatever the names in it are: label names are made such that the format allows, texts are
 * escaped, and a second sample of the same labels gets the label `nth`, because a duplicate would make readers refuse the
 * whole. Families without samples are left out. Readers of the classic text format, such as node_exporter's collector of
 * text files, take it too.
 */
export function exposition(families: readonly Family[]): string {
  const texts = families.filter(({ samples }) => samples.length > 0).map(familyText);
  return `${texts.join('')}# EOF\n`;
}

function familyText({ name, type, unit, help, samples }: Family): string {
  const seen = new Map<string, number>();
  const lines = samples.map(({ suffix, labels, value }) => {
    const pairs = allowedLabels(labels);
    const key = JSON.stringify([suffix, pairs.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    if (nth > 1) pairs.push(['nth', String(nth)]);
    const text = pairs.map(([label, labelValue]) => `${label}="${escaped(labelValue)}"`).join(',');
    return `${name}${suffix}${text === '' ? '' : `{${text}}`} ${value}\n`;
  });
  const unitLine = unit === undefined ? '' : `# UNIT ${name} ${unit}\n`;
  return `# TYPE ${name} ${type}\n${unitLine}# HELP ${name} ${escaped(help.replaceAll('"', "'"))}\n${lines.join('')}`;
}

/** Labels under names that the format allows, each of them once. */
function allowedLabels(labels: Readonly<Record<string, string>>): [name: string, value: string][] {
  const taken = new Set<string>(['nth']);
  return Object.entries(labels).map(([given, value]) => {
    // Two underscores in front are the readers' own.
    const word = nameWord(given).replace(/^(?=[_\d])/, 'label_');
    let name = word;
    for (let nth = 2; taken.has(name); nth++) name = `${word}_${nth}`;
    taken.add(name);
    return [name, value];
  });
}

/** A part of a metric's or label's name: letters, digits and `_`; never empty. */
export function nameWord(text: string): string {
  const word = text.replaceAll(/[^A-Za-z0-9_]+/g, '_');
  return word === '' ? '_' : word;
}

/**
 * For label values and help alike. In help OpenMetrics escapes quotes too, which the classic format does not know; it has
 * apostrophes in their place. Other ends of lines than its own are allowed, but
 * some readers part lines at them; they become its own.
 */
function escaped(text: string): string {
  const lines = withoutControls(text).replaceAll(/\r\n?|[\u2028\u2029]/g, '\n');
  return lines.replace(/["\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
