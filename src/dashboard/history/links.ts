import type { RunEntry } from './run-entry.ts';

const encoded = (folder: string): string => folder.split('/').map(encodeURIComponent).join('/');

/** The page of a run. */
export function runHref({ folder }: Pick<RunEntry, 'folder'>): string {
  return folder === '' ? '/run/' : `/run/${encoded(folder)}/`;
}

/** A file of a run's folder. @param name below it, parted by `/` */
export function fileHref({ folder }: Pick<RunEntry, 'folder'>, name: string): string {
  return `/files/${encoded(folder === '' ? name : `${folder}/${name}`)}`;
}

/** An address with those of the parameters that say something. */
export function withQuery(path: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') query.set(name, value);
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
