import { expect, it } from 'vitest';
import { shownUrl } from '../../../src/base/shown-url.ts';

it.each([
  ['https://dl.k8s.io', 'https://dl.k8s.io'],
  ['https://dl.k8s.io/', 'https://dl.k8s.io/'],
  ['https://me:secret@mirror:8443/k8s', 'https://mirror:8443/k8s'],
  ['https://me:sec@ret@mirror', 'https://mirror'],
  ['https://token@mirror/a@b', 'https://mirror/a@b'],
  ['https://me:sec/ret@mirror', 'mirror'],
  ['no URL', 'no URL'],
])('%s is shown as %s', (url, shown) => {
  expect(shownUrl(url)).toBe(shown);
});
