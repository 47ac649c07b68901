import { describe, expect, it } from 'vitest';
import { isAllowedHost } from '../../../src/dashboard/http/allowed-host.ts';
import type { PageRequest, Reply } from '../../../src/dashboard/http/reply.ts';
import { type RunningServer, startServer } from '../../../src/dashboard/http/server.ts';
import { ask } from './raw-request.ts';

describe('isAllowedHost', () => {
  it.each([
    '127.0.0.1',
    '127.0.0.1:80',
    'localhost:8470',
    'LOCALHOST',
    'localhost.',
    '[::1]:1',
    '10.0.0.7:1',
  ])('takes %s', (host) => {
    expect(isAllowedHost(host, '127.0.0.1')).toBe(true);
  });

  it.each([
    undefined,
    '',
    'rebound.example',
    'rebound.example:8470',
    'localhost.example',
    '127.0.0.1.example',
    '127.0.0.1:80:80',
    '127.0.0.1@rebound.example',
    '[rebound.example]',
    '[::1',
    '1',
  ])('refuses %s', (host) => {
    expect(isAllowedHost(host, '127.0.0.1')).toBe(false);
  });

  it('takes the name that it was told to listen on', () => {
    expect(isAllowedHost('ci-machine.example:80', 'CI-machine.example')).toBe(true);
  });
});

async function withServer(
  handle: (request: PageRequest) => Reply,
  test: (server: RunningServer, faults: unknown[]) => Promise<void>,
): Promise<void> {
  const faults: unknown[] = [];
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    handle,
    onFault: (error) => faults.push(error),
  });
  try {
    await test(server, faults);
  } finally {
    await server.close();
  }
}

const hello = (): Reply => ({ status: 200, type: 'text/plain', body: 'hello' });

describe('startServer', () => {
  it('answers GET with a policy that lets nothing in from elsewhere', async () => {
    await withServer(hello, async ({ port }) => {
      const { status, headers, body } = await ask(port, '/');
      expect({ status, body }).toEqual({ status: 200, body: 'hello' });
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'content-length': '5',
      });
    });
  });

  it('answers HEAD without a body', async () => {
    await withServer(hello, async ({ port }) => {
      const { status, headers, body } = await ask(port, '/', { method: 'HEAD' });
      expect({ status, body, length: headers['content-length'] }).toEqual({
        status: 200,
        body: '',
        length: '5',
      });
    });
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    await withServer(hello, async ({ port }) => {
      const { status, headers } = await ask(port, '/', { method });
      expect({ status, allow: headers['allow'] }).toEqual({ status: 405, allow: 'GET, HEAD' });
    });
  });

  it('refuses a name that somebody has made lead here', async () => {
    await withServer(hello, async ({ port }) => {
      const { status, body } = await ask(port, '/', { host: 'rebound.example' });
      expect(status).toBe(421);
      expect(body).not.toContain('hello');
    });
  });

  it('decodes the parts of a path one by one', async () => {
    const seen: PageRequest[] = [];
    const handle = (request: PageRequest): Reply => {
      seen.push(request);
      return hello();
    };
    await withServer(handle, async ({ port }) => {
      await ask(port, '/run/a%2F..%2Fb/?run=x&run=y');
      expect(seen[0]?.path).toEqual(['run', 'a/../b']);
      expect(seen[0]?.query.getAll('run')).toEqual(['x', 'y']);
      expect((await ask(port, '/%zz')).status).toBe(400);
    });
  });

  it('says that a page failed, and not why', async () => {
    const broken = (): Reply => {
      throw new Error('secret');
    };
    await withServer(broken, async ({ port }, faults) => {
      const { status, body } = await ask(port, '/');
      expect(status).toBe(500);
      expect(body).not.toContain('secret');
      expect(faults).toHaveLength(1);
    });
  });

  it('says that a port is in use', async () => {
    await withServer(hello, async ({ port }) => {
      const second = startServer({ host: '127.0.0.1', port, handle: hello, onFault: () => {} });
      await expect(second).rejects.toMatchObject({
        code: 'bad-input',
        message: `port ${port} of 127.0.0.1 is in use`,
      });
    });
  });

  it('ends at once while somebody is connected', async () => {
    const server = await startServer({
      host: '127.0.0.1',
      port: 0,
      handle: () => ({ type: 'text/event-stream', stream: (response) => void response.write(': hi\n\n') }),
      onFault: () => {},
    });
    const listening = fetch(server.url).then((response) => response.text());
    listening.catch(() => {});
    await server.close();
    await expect(listening).rejects.toThrow(/terminated|fetch failed/);
  });
});
