/** `null` is an empty cell. */
export type Cell = string | number | null;

/**
 * A table as CSV (RFC 4180): a header line, CRLF behind every line, quotes where they are needed.
 *
 * Spreadsheets take a text that begins with `=`, `+`, `-` or `@`, wide ones and those behind blanks too, for a formula, and names may come from anywhere: such texts get an apostrophe in front, which is shown as part of the text at worst.
 * Numbers are numbers, whatever their sign.
 */
export function csvTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [header, ...rows].map((row) => `${row.map(cellText).join(',')}\r\n`).join('');
}

function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return String(cell);
  // A lone half of a surrogate pair is no UTF-8, and NUL ends a text for many readers.
  const clean = cell.replaceAll('\0', '\uFFFD').replaceAll(/\p{Cs}/gu, '\uFFFD');
  const text = /^[\t\r]|^\s*[=+\-@＝＋－＠]/.test(clean) ? `'${clean}` : clean;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
