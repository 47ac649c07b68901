import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StopAndGo, cpuLimit } from '../../../src/fidelity/trend/cpu-limit.ts';
import { DelayingProxy } from '../../../src/fidelity/trend/delaying-proxy.ts';
import { SlowDown } from '../../../src/fidelity/trend/slow-down.ts';
import { cgroupMounts } from '../../../src/fidelity/reference/cgroups.ts';
import { recordingReporter } from '../control-plane/fixtures.ts';
import { FakeClock } from '../load/fake-clock.ts';

describe('a delaying proxy', () => {
  let clock: FakeClock;
  let server: Server;
  let proxy: DelayingProxy;
  /** The server's end of the last connection. */
  let accepted: Socket | undefined;
  let heardByServer = '';
  let heardByClient = '';
  let client: Socket;

  /** Real sockets need real time to pass bytes on; the proxy's clock stands still meanwhile. */
  const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5000, interval: 5 });
  /** Long enough for bytes that nothing holds back. */
  const echo = async (): Promise<void> => {
    const other = createServer((socket) => socket.end('x')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const socket = connect((other.address() as AddressInfo).port, '127.0.0.1');
    await once(socket.resume(), 'close');
    other.close();
  };

  beforeEach(async () => {
    clock = new FakeClock();
    [heardByServer, heardByClient, accepted] = ['', '', undefined];
    server = createServer({ allowHalfOpen: true }, (socket) => {
      accepted = socket;
      socket.on('data', (chunk) => (heardByServer += chunk.toString()));
      socket.on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await DelayingProxy.start((server.address() as AddressInfo).port, clock);
    client = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true });
    client.on('data', (chunk) => (heardByClient += chunk.toString()));
    client.on('error', () => {});
    await eventually(() => expect(accepted).toBeDefined());
  });

  afterEach(async () => {
    client.destroy();
    accepted?.destroy();
    await proxy.stop();
    server.close();
  });

  it('passes on at once what it is not told to delay', async () => {
    client.write('there');
    await eventually(() => expect(heardByServer).toBe('there'));
    accepted?.write('back');
    await eventually(() => expect(heardByClient).toBe('back'));
  });

  it('holds bytes for as long as it is told, each way, and what follows no longer than that', async () => {
    proxy.delay(20);
    client.write('one ');
    await echo();
    await clock.advance(15);
    client.write('two');
    await echo();
    expect(heardByServer).toBe('');
    await clock.advance(5);
    await eventually(() => expect(heardByServer).toBe('one '));
    await clock.advance(15);
    await eventually(() => expect(heardByServer).toBe('one two'));
    accepted?.write('back');
    await echo();
    await clock.advance(19);
    expect(heardByClient).toBe('');
    await clock.advance(1);
    await eventually(() => expect(heardByClient).toBe('back'));
  });

  it('keeps the order when the delay becomes shorter', async () => {
    proxy.delay(50);
    client.write('first ');
    await echo();
    proxy.delay(0);
    client.write('second');
    await echo();
    expect(heardByServer).toBe('');
    await clock.advance(50);
    await eventually(() => expect(heardByServer).toBe('first second'));
  });

  it('tells the end after the last bytes, and lets the other side go on', async () => {
    proxy.delay(20);
    const ended = once(accepted as Socket, 'end');
    client.end('last');
    await echo();
    await clock.advance(20);
    await ended;
    expect(heardByServer).toBe('last');
    accepted?.end('still here');
    await echo();
    const closed = once(client, 'close');
    await clock.advance(20);
    await closed;
    expect(heardByClient).toBe('still here');
  });

  it('loses nothing of what is more than sockets hold', async () => {
    const size = 8 * 1024 * 1024;
    proxy.delay(20);
    client.end(Buffer.alloc(size, 'a'));
    await vi.waitFor(
      async () => {
        await clock.advance(20);
        expect(heardByServer.length).toBe(size);
      },
      { timeout: 20_000, interval: 5 },
    );
  });

  it('ends a connection whose other side breaks', async () => {
    accepted?.resetAndDestroy();
    await eventually(() => expect(client.closed).toBe(true));
  });

  it('ends all when it is stopped, also a second time', async () => {
    await proxy.stop();
    await proxy.stop();
    await eventually(() => expect(client.closed).toBe(true));
  });
});

describe('a limit of CPU time', () => {
  let child: ChildProcess;

  beforeEach(() => {
    child = spawn('sleep', ['600']);
  });
  afterEach(() => {
    child.kill('SIGKILL');
  });

  const limitOf = async (
    name: string,
  ): Promise<{ how: string; remarks: string[]; remove: () => Promise<void> }> => {
    const reporter = recordingReporter();
    const limit = await cpuLimit(child.pid as number, name, { clock: new FakeClock(), reporter });
    const how = await limit.set(30);
    const remove = async (): Promise<void> => {
      await limit.lift();
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await limit.remove();
    };
    return { how, remarks: reporter.reports.map(({ text }) => text), remove };
  };

  it('is a quota where a cgroup can be made, and leaves none', async () => {
    const name = `hollowmark-test-${process.pid}`;
    const { how, remarks, remove } = await limitOf(name);
    const ownGroups = readFileSync(`/proc/${child.pid}/cgroup`, 'utf8').split('\n');
    const isIn = ownGroups.some((line) => line.endsWith(`:/${name}`));
    expect(how).toMatch(isIn ? /quota of cgroup v[12]: 30 ms/ : /SIGSTOP/);
    expect(remarks).toHaveLength(isIn ? 0 : 1);
    await remove();
    const mounts = cgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
    expect(mounts.filter((mount) => existsSync(join(mount, name)))).toEqual([]);
  });

  it('is by signals where none can be made, and says why', async () => {
    const { how, remarks, remove } = await limitOf('no/such/group');
    expect(how).toContain('12 of each 40 ms');
    expect(remarks).toEqual([expect.stringMatching(/^No cgroup .*: by signals instead$/)]);
    await remove();
  });
});

describe('what slows an API server down', () => {
  it('moves it nowhere between what is measured unslowed and slowed', async () => {
    const child = spawn('sleep', ['600']);
    const groups = (): string => readFileSync(`/proc/${child.pid}/cgroup`, 'utf8');
    const reporter = recordingReporter();
    const options = { pid: child.pid as number, proxy: undefined, clock: new FakeClock(), reporter };
    const slowDown = new SlowDown(options);
    try {
      await expect(slowDown.begin({ type: 'cpu', percent: 30 })).rejects.toThrow(
        'no CPU time can be taken yet',
      );
      await slowDown.prepareCpu();
      const before = groups();
      await slowDown.begin({ type: 'cpu', percent: 30 });
      expect(groups()).toBe(before);
      await slowDown.end();
      expect(groups()).toBe(before);
      await expect(slowDown.begin({ type: 'etcd', delayMs: 5 })).rejects.toThrow(
        'nothing stands before etcd',
      );
    } finally {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await slowDown.remove();
    }
  });
});

describe('stop and go', () => {
  let child: ChildProcess;

  beforeEach(() => {
    child = spawn('sleep', ['600']);
  });
  afterEach(() => {
    child.kill('SIGKILL');
  });

  /** `S` for one that sleeps, `T` for one that is stopped. */
  const stateIs = (state: string): Promise<void> =>
    vi.waitFor(
      () => expect(readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.[0]).toBe(state),
      { timeout: 5000, interval: 5 },
    );

  it('lets a process run for its share of the time', async () => {
    const clock = new FakeClock();
    const limit = new StopAndGo(child.pid as number, clock);
    expect(await limit.set(25)).toContain('10 of each 40 ms');
    await stateIs('T');
    await clock.advance(29);
    await stateIs('T');
    await clock.advance(1);
    await stateIs('S');
    await clock.advance(10);
    await stateIs('T');
    await limit.lift();
    await stateIs('S');
    await clock.advance(100);
    await stateIs('S');
  });

  it('takes it that the process has ended', async () => {
    const clock = new FakeClock();
    const limit = new StopAndGo(child.pid as number, clock);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await limit.set(50);
    await clock.advance(100);
    await expect(limit.lift()).resolves.toBeUndefined();
  });
});
