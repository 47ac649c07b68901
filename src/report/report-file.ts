/** A file of a report: its path below the report's folder, parted by `/`, and its content. */
export type ReportFile = { name: string; content: string | Uint8Array };

const wordLengthMax = 100;

/**
 * A part of a file's name, of text that may be anything: `api-call: PATCH pods/status` becomes
 * `api-call-PATCH-pods-status`. Letters, digits, `.`, `_` and `-` only, so that neither a shell, nor a path, nor a table
 * of a log takes it apart; never empty, and never hidden.
 */
export function fileWord(text: string): string {
  const word = text.replaceAll(/[^A-Za-z0-9._]+/g, '-').slice(0, wordLengthMax);
  const bare = word.replaceAll(/^[.-]+|[.-]+$/g, '');
  return bare === '' ? 'unnamed' : bare;
}

/** The same words, in which no two are equal, even where upper and lower case are one: the second `a` is `a-2`. */
export function distinct(words: readonly string[]): string[] {
  const taken = new Set<string>();
  return words.map((word) => {
    let name = word;
    for (let nth = 2; taken.has(name.toLowerCase()); nth++) name = `${word}-${nth}`;
    taken.add(name.toLowerCase());
    return name;
  });
}
