/**
 * Replaces with U+FFFD what neither HTML nor XML 1.0 (section 2.2) allows, escaped or not: control characters but
 * for tab, line feed and carriage return, non-characters, and lone halves of surrogate pairs.
 */
export function withoutControls(text: string): string {
  return text.replace(/(?![\t\n\r])[\p{Cc}\p{Cs}\uFDD0-\uFDEF\uFFFE\uFFFF]/gu, '\uFFFD');
}

/**
 * Text for one line of a terminal: names come from clusters and scenarios, and none may move the cursor, change
 * the direction of writing or start a new line.
 */
export function singleLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Cf}\u2028\u2029\uFFFE\uFFFF]/gu, '\uFFFD');
}

/** As {@link singleLine}, cut where it is wider than `width`. */
export function fitted(text: string, width: number): string {
  const characters = Array.from(singleLine(text));
  return characters.length <= width ? characters.join('') : `${characters.slice(0, width - 1).join('')}…`;
}

/** As {@link singleLine}, in lines of `width` at most, broken at spaces; the last of `linesMax` is cut. */
export function wrapped(text: string, width: number, linesMax = Number.POSITIVE_INFINITY): string[] {
  const lines: string[] = [];
  let rest = singleLine(text);
  while (rest.length > width && lines.length < linesMax - 1) {
    const at = rest.lastIndexOf(' ', width);
    const cut = at > 0 ? at : width;
    lines.push(rest.slice(0, cut));
    rest = rest.slice(cut).trimStart();
  }
  return [...lines, fitted(rest, width)];
}
