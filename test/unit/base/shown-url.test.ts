import { expect, it } from 'vitest';
import { shownUrl } from '../../../src/base/shown-url.ts';

it.each([
  ['https://dl.k8s.io', 'https://dl.k8s.io'],
  ['https://dl.k8s.io/', 'https://dl.k8s.io/'],
  ['https://me:secret@mirror.example:8443/k8s', 'https://mirror.example:8443/k8s'],
  ['https://me:sec@ret.example@mirror.example', 'https://mirror.example'],
  ['https://token@mirror.example/a@b', 'https://mirror.example/a@b'],
  ['https://me.example:sec/ret@mirror.example', 'mirror.example'],
  ['no URL', 'no URL'],
])('%s is shown as %s', (url, shown) => {
  expect(shownUrl(url)).toBe(shown);
});
