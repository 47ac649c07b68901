import { describe, expect, it } from 'vitest';
import { flagNotes } from '../../../src/cluster/notes.ts';

describe('flagNotes', () => {
  it.each<[string[] | undefined, boolean]>([
    [['--name=hollowmark', '--unsafe-no-fsync=true'], true],
    [['--unsafe-no-fsync'], true],
    [['--unsafe-no-fsync=true', '--unsafe-no-fsync=false'], false],
    [['--unsafe-no-fsync=false', '--unsafe-no-fsync=true', '--quota-backend-bytes=8'], true],
    [['--name=hollowmark'], false],
    [undefined, false],
  ])('of etcd with %j', (flags, noted) => {
    const notes = flagNotes({ argv: flags === undefined ? {} : { etcd: flags } });
    expect(notes.join()).toEqual(
      noted ? expect.stringMatching(/^etcd ran with --unsafe-no-fsync: .*\.$/) : '',
    );
  });
});
