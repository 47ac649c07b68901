/**
 * Reads Prometheus' classic text format as strictly as the parser that node_exporter's collector of text files has
 * (github.com/prometheus/common/expfmt, text_parse.go, v0.55): types that it does not know, escapes that are none of its own
 * and metadata that comes twice or late have it refuse the whole file. Comments that are no metadata mean nothing.
 */

const types = new Set(['counter', 'gauge', 'summary', 'histogram', 'untyped']);
const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/suy;
const float = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/** @returns how many samples each family has. @throws Error with the line that is wrong. */
export function readClassic(text: string): Map<string, number> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const typed = new Map<string, string>();
  const helped = new Set<string>();
  const samples = new Map<string, number>();
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    const wrong = (why: string): Error => new Error(`${why}: ${line}`);
    const [, keyword, about = '', rest = ''] = /^# (TYPE|HELP) (\S+) (.*)$/u.exec(line) ?? [];
    if (keyword === 'TYPE') {
      if (!types.has(rest)) throw wrong('unknown metric type');
      if (typed.has(about) || samples.has(about)) throw wrong('second TYPE, or TYPE after samples');
      typed.set(about, rest);
    } else if (keyword === 'HELP') {
      if (helped.has(about)) throw wrong('second HELP');
      if (/\\(?![\\n])/.test(rest.replaceAll('\\\\', ''))) throw wrong('invalid escape sequence');
      helped.add(about);
    } else if (!line.startsWith('#')) {
      const family = familyOf(sampleName(line, seen), typed);
      samples.set(family, (samples.get(family) ?? 0) + 1);
    }
  }
  return samples;
}

/** A summary's sum and count are its own. */
function familyOf(sample: string, typed: ReadonlyMap<string, string>): string {
  const base = sample.replace(/_(?:sum|count)$/, '');
  return typed.get(base) === 'summary' ? base : sample;
}

function sampleName(line: string, seen: Set<string>): string {
  const wrong = (why: string): Error => new Error(`${why}: ${line}`);
  const [found] = name.exec(line) ?? [];
  if (found === undefined) throw wrong('invalid metric name');
  const end = line.lastIndexOf(' ');
  const labels = line.slice(found.length, end);
  if (!float.test(line.slice(end + 1))) throw wrong('expected float as value');
  if (labels !== '') {
    if (!/^\{.*\}$/su.test(labels)) throw wrong('invalid labels');
    const pairs = labels.slice(1, -1);
    const names = new Set<string>();
    label.lastIndex = 0;
    while (label.lastIndex < pairs.length) {
      const match = label.exec(pairs);
      if (match === null || names.has(match[1] ?? '')) throw wrong('invalid or second label');
      names.add(match[1] ?? '');
    }
  }
  const key = line.slice(0, end);
  if (seen.has(key)) throw wrong('a sample twice');
  seen.add(key);
  return found;
}
