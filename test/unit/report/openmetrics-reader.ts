/**
 * Reads OpenMetrics 1.0 text as strictly as the specification's grammar has it, more strictly even (no line ends in texts
 * but escaped ones, which some readers would part lines at), and checks what the grammar cannot say:
 * metadata first and once, names that end with their unit and type, no family in two places, no sample twice.
 */

export type ReadSample = { name: string; labels: Record<string, string>; value: number };

export type ReadFamily = { type: string; unit?: string; help?: string; samples: ReadSample[] };

const metadata = /^# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) ([^\r\n\u2028\u2029]*)$/u;
const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^\r\n\u2028\u2029]*)\})? (\S+)$/u;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/suy;
const realNumber = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

const suffixes: Record<string, string[]> = {
  gauge: [''],
  counter: ['_total'],
  summary: ['', '_sum', '_count'],
};

/** @throws Error with the line that is wrong. */
export function readOpenmetrics(text: string): Map<string, ReadFamily> {
  if (!text.endsWith('\n# EOF\n') && text !== '# EOF\n') throw new Error('does not end with # EOF');
  const families = new Map<string, ReadFamily>();
  let current: [name: string, family: ReadFamily] | undefined;
  const seen = new Set<string>();
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const wrong = (why: string): Error => new Error(`${why}: ${line}`);
    const [, keyword, about = '', rest = ''] = metadata.exec(line) ?? [];
    if (keyword === 'TYPE') {
      if (families.has(about)) throw wrong('a family twice');
      if (!(rest in suffixes)) throw wrong('no such type');
      current = [about, { type: rest, samples: [] }];
      families.set(...current);
      continue;
    }
    if (current === undefined) throw wrong('nothing may come before TYPE');
    const [family, known] = current;
    if (keyword !== undefined) {
      if (about !== family || known.samples.length > 0) throw wrong('metadata in the wrong place');
      if (keyword === 'UNIT' && !family.endsWith(`_${rest}`)) throw wrong('the name lacks its unit');
      if (keyword === 'HELP' && !/^(?:[^"\\\n]|\\["\\n])*$/.test(rest)) throw wrong('help not escaped');
      if (keyword === 'UNIT') known.unit = rest;
      else known.help = unescaped(rest);
      continue;
    }
    const read = readSample(line);
    if (read === undefined) throw wrong('no sample');
    const suffix = read.name.slice(family.length);
    if (!read.name.startsWith(family) || !(suffixes[known.type] ?? []).includes(suffix)) {
      throw wrong(`not of ${family}`);
    }
    if (known.type === 'summary' && suffix === '' && !/^[01]\.\d+$/.test(read.labels['quantile'] ?? '')) {
      throw wrong('no canonical quantile');
    }
    const pairs = Object.entries(read.labels).map((pair) => JSON.stringify(pair));
    const key = JSON.stringify([read.name, ...pairs.toSorted()]);
    if (seen.has(key)) throw wrong('a sample twice');
    seen.add(key);
    known.samples.push(read);
  }
  return families;
}

function readSample(line: string): ReadSample | undefined {
  const [, name = '', labelText = '', number = ''] = sample.exec(line) ?? [];
  if (name === '' || !(realNumber.test(number) || number === 'NaN')) return undefined;
  const labels: Record<string, string> = {};
  label.lastIndex = 0;
  while (label.lastIndex < labelText.length) {
    const match = label.exec(labelText);
    if (match === null) return undefined;
    const [, key = '', value = ''] = match;
    if (Object.hasOwn(labels, key)) return undefined;
    labels[key] = unescaped(value);
  }
  return { name, labels, value: Number(number) };
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/gs, (_, character: string) => (character === 'n' ? '\n' : character));
}
