import { describe, expect, it } from 'vitest';
import { portableArgv } from '../../../src/base/portable-argv.ts';

const places = [
  ['/scratch/alice', '$TMPDIR'],
  ['/users/alice', '~'],
] as const;

describe('a command for others', () => {
  it.each([
    ['/users/alice/.cache/etcd', '~/.cache/etcd'],
    ['--data-dir=/users/alice/state', '--data-dir=~/state'],
    ['--data-dir=/scratch/alice/state', '--data-dir=$TMPDIR/state'],
    ['--flag=/srv/users/alice/x', '--flag=/srv/users/alice/x'],
    ['/users/alicent/x', '/users/alicent/x'],
    ['a=/users/alice/x', 'a=/users/alice/x'],
    ['--feature-gates=A=true', '--feature-gates=A=true'],
  ])('%s is %s', (arg, expected) => {
    expect(portableArgv([arg], places)).toEqual([expected]);
  });
});
