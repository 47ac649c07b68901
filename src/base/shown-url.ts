/** A URL without user name and password, for the screen and for files that are handed around. */
export function shownUrl(text: string): string {
  // What is no URL may be one with a slip in its password.
  if (!URL.canParse(text)) return text.slice(text.lastIndexOf('@') + 1);
  const url = new URL(text);
  if (url.username === '' && url.password === '') return text;
  url.username = '';
  url.password = '';
  return url.href.replace(/\/$/, '');
}
