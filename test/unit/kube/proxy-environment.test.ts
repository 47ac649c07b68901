import { describe, expect, it } from 'vitest';
import { proxyFromEnvironment } from '../../../src/kube/proxy-environment.ts';

const proxy = 'http://proxy.example:3128';

describe('proxies from the environment', () => {
  it('come from HTTPS_PROXY in either spelling, a bare host being HTTP', () => {
    const url = 'https://api.example.com';
    expect(proxyFromEnvironment(url, {})).toBeUndefined();
    expect(proxyFromEnvironment(url, { HTTP_PROXY: proxy, HTTPS_PROXY: '' })).toBeUndefined();
    expect(proxyFromEnvironment(url, { HTTPS_PROXY: proxy, https_proxy: 'http://other.example' })).toBe(
      proxy,
    );
    expect(proxyFromEnvironment(url, { https_proxy: 'proxy.example:3128' })).toBe(proxy);
    expect(() => proxyFromEnvironment(url, { https_proxy: 'ftp://proxy.example' })).toThrow(
      /variable https_proxy names no proxy/,
    );
  });

  it('are not for loopback, nor for what NO_PROXY excepts', () => {
    const cases: [host: string, except: string, used: boolean][] = [
      ['127.0.0.1:6443', '', false],
      ['127.8.9.1:6443', '', false],
      ['localhost:6443', '', false],
      ['[::1]:6443', '', false],
      ['api.example.com', '*', false],
      ['api.example.com', 'api.example.com', false],
      ['api.example.com', 'other.test, EXAMPLE.com', false],
      ['api.example.com', '.example.com', false],
      ['api.example.com', '*.example.com', false],
      ['example.com', '.example.com', true],
      ['api.example.com', 'ample.com', true],
      ['api.example.com', 'api.example.com:443', false],
      ['api.example.com:6443', 'api.example.com:443', true],
      ['10.1.2.3:6443', '10.1.2.3', false],
      ['10.1.2.3:6443', '10.1.0.0/16', false],
      ['10.2.2.3:6443', '10.1.0.0/16', true],
      ['10.2.2.3:6443', '10.1.0.0/99,/8,x/8', true],
      ['api.example.com', '10.0.0.0/8', true],
      ['[fd00::1]:6443', 'fd00::1', false],
      ['[fd00::1]:6443', 'fd00::/8', false],
      ['[fd00::1]:6443', '[fd00::1]:443', true],
      ['[fe80::1]:6443', '10.0.0.0/8,fd00::/8', true],
    ];
    for (const [host, except, used] of cases) {
      const found = proxyFromEnvironment(`https://${host}`, { HTTPS_PROXY: proxy, NO_PROXY: except });
      expect([host, except, found !== undefined]).toEqual([host, except, used]);
    }
    expect(proxyFromEnvironment('https://a.test', { https_proxy: proxy, no_proxy: 'test' })).toBeUndefined();
  });
});
