import type { MarkdownLink } from './render-markdown.ts';

/**
 * Links to files of a report. Without an address they lie beside the summary. An address that ends with `/` is that of
 * the folder in which they will be found; any other is a page that has them all, as CI systems have, and is the one link.
 */
export function artifactLinks(names: readonly string[], url?: string): MarkdownLink[] {
  if (url !== undefined && !url.endsWith('/')) return [{ text: 'Artefacts of this run', address: url }];
  return names.map((name) => ({ text: name, address: `${url ?? ''}${name}` }));
}
