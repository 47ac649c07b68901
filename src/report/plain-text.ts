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
