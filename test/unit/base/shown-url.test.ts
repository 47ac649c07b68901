import { describe, expect, it } from 'vitest';
import { shownUrl } from '../../../src/base/shown-url.ts';

describe('a URL', () => {
  it.each(['me:secret', 'me:sec@ret', 'token'])('is shown without %s', (secret) => {
    expect(shownUrl(`https://${secret}@mirror.test`)).toBe('https://mirror.test');
    expect(shownUrl(`https://${secret}@mirror.test:8443/a@b`)).toBe('https://mirror.test:8443/a@b');
  });

  it.each(['https://dl.k8s.io', 'https://dl.k8s.io/'])('without a secret stays as it is: %s', (url) => {
    expect(shownUrl(url)).toBe(url);
  });

  it('that is none is shown without what may be a secret', () => {
    expect(shownUrl(`https://${'me:sec/ret'}@mirror.test`)).toBe('mirror.test');
    expect(shownUrl('no URL')).toBe('no URL');
  });
});
