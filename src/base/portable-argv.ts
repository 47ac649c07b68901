import { homedir, tmpdir } from 'node:os';

/** A folder, and what a shell has in its place. */
type Place = readonly [folder: string, word: string];

/**
 * A command whose paths begin with `~` or `$TMPDIR` where they lie in the home folder or that of temporary files: what others
 * read need not say whose machine it was.
 */
export function portableArgv(argv: readonly string[], places: readonly Place[] = placesHere()): string[] {
  return argv.map((arg) => {
    const start = arg.startsWith('-') ? arg.indexOf('=') + 1 : 0;
    const path = arg.slice(start);
    const place = places.find(([folder]) => path.startsWith(`${folder}/`));
    return place === undefined ? arg : `${arg.slice(0, start)}${place[1]}${path.slice(place[0].length)}`;
  });
}

function placesHere(): Place[] {
  const home: Place[] = [];
  try {
    home.push([homedir(), '~']);
  } catch {
    // A user without one, as containers have them.
  }
  return [[tmpdir(), '$TMPDIR'] as const, ...home].filter(([folder]) => folder !== '' && folder !== '/');
}
