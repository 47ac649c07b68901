import { withoutControls } from '../plain-text.ts';

/** Text that is HTML already. Only {@link html} and {@link trusted} make it, so a plain string can never pass for it. */
export type Markup = { readonly markup: string };

type Value = string | number | Markup | readonly Markup[] | undefined | false;

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Turn the direction of writing for all that follows in a paragraph: a name could have its neighbours read backwards. */
const directionControls = /[\u202A-\u202E\u2066-\u2069]/g;

/**
 * Escapes text for element content and for quoted attributes. Characters that HTML does not allow become U+FFFD, and those
 * that turn the direction of writing.
 */
export function escapeHtml(text: string): string {
  return withoutControls(text)
    .replace(directionControls, '\uFFFD')
    .replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** A template whose every value is escaped, unless it is markup itself. `undefined` and `false` are left out. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  let text = parts[0] ?? '';
  for (const [index, value] of values.entries()) text += render(value) + (parts[index + 1] ?? '');
  return { markup: text };
}

/** Takes text for markup as it is: only for files of ours and numbers. */
export function trusted(text: string): Markup {
  return { markup: text };
}

/**
 * JSON that can stand inside a `script` element: `<` is the only character that could end it, and U+2028 and U+2029
 * are line ends to older script parsers.
 */
export function jsonForScript(value: unknown): Markup {
  return trusted(
    JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    }),
  );
}

function render(value: Value): string {
  if (value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return (value as readonly Markup[]).map((each) => each.markup).join('');
  return (value as Markup).markup;
}
