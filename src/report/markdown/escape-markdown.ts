import { singleLine } from '../plain-text.ts';

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * Text for one line of GitHub's or GitLab's Markdown, also in a table's cell: shown as it is, whatever is in it. What
 * begins markup is escaped, HTML is written as entities, and an address or a mention gets no link, because none of the
 * texts here is meant to be one.
 */
export function escapeMarkdown(text: string): string {
  return (
    singleLine(text)
      .trim()
      .replaceAll(/[&<>]/g, (character) => entities[character] ?? '')
      // The rest of the punctuation means nothing within a line, or only before what is escaped here.
      .replaceAll(/[\\`*_{}[\]#|~$]/g, '\\$&')
      // A list begins with these.
      .replace(/^[-+]|(?<=^\d{1,9})\./, '\\$&')
      // A word joiner, which nobody sees: backslashes do not stop a link of these.
      .replaceAll(/@(?=\w)|(?<=\b(?:https?|ftp)):(?=\/\/)|(?<=\bwww)\.(?=\w)/gi, '$&\u2060')
  );
}
