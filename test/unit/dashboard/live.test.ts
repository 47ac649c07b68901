import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { nodeAnswer, nodesAnswer, workloadsOf } from '../../../src/cli/live/inventory-answers.ts';
import { Audience, listenersMax } from '../../../src/dashboard/live/audience.ts';
import { LiveFeed } from '../../../src/dashboard/live/live-feed.ts';
import { LivePages } from '../../../src/dashboard/live/live-pages.ts';
import type { LiveCommand, LiveMessage } from '../../../src/dashboard/live/messages.ts';
import type { LiveSnapshot } from '../../../src/dashboard/live/snapshot.ts';
import { type RunningServer, startServer } from '../../../src/dashboard/http/server.ts';
import { LiveInventory } from '../../../src/measure/live-inventory.ts';
import { podFacts } from '../../../src/measure/pod-facts.ts';
import { FakeClock } from '../measure/fake-clock.ts';
import { hostileName } from '../report/sample-result.ts';
import { ask } from './raw-request.ts';

/** The worker's end, without a thread. */
class FakePort {
  readonly sent: LiveCommand[] = [];
  private hear: (message: LiveMessage) => void = () => {};
  private exit: (code: number) => void = () => {};

  on(event: string, listener: (value: never) => void): void {
    if (event === 'message') this.hear = listener as (message: LiveMessage) => void;
    if (event === 'exit') this.exit = listener as (code: number) => void;
  }

  postMessage(command: LiveCommand): void {
    this.sent.push(command);
  }

  terminate(): Promise<void> {
    return Promise.resolve();
  }

  says(message: LiveMessage): void {
    this.hear(message);
  }

  ends(): void {
    this.exit(1);
  }

  count(type: LiveCommand['type']): number {
    return this.sent.filter((command) => command.type === type).length;
  }
}

async function openFeed(clock: FakeClock): Promise<{ feed: LiveFeed; port: FakePort; lost: string[] }> {
  const port = new FakePort();
  const lost: string[] = [];
  const starting = LiveFeed.start({
    config: { host: '127.0.0.1', port: 0, title: 'run' },
    clock,
    onLost: (why) => lost.push(why),
    startWorker: () => port,
  });
  port.says({ type: 'serving', url: 'http://127.0.0.1:1/' });
  return { feed: await starting, port, lost };
}

describe('LiveFeed', () => {
  function source(cost: () => void = () => {}) {
    const asked = { snapshots: 0, answers: 0 };
    return {
      asked,
      snapshot: () => {
        asked.snapshots++;
        cost();
        return {} as LiveSnapshot;
      },
      answer: () => {
        asked.answers++;
        return { points: [] };
      },
    };
  }

  it('has no answer before there is something to show', async () => {
    const { port } = await openFeed(new FakeClock());
    port.says({ type: 'ask', id: 1, question: { what: 'history' } });
    expect(port.sent).toEqual([{ type: 'answer', id: 1, json: 'null' }]);
  });

  it('makes nothing while nobody looks', async () => {
    const clock = new FakeClock();
    const { feed, port } = await openFeed(clock);
    const from = source();
    feed.source = from;
    clock.pass(60_000);
    expect(from.asked.snapshots).toBe(0);
    port.says({ type: 'audience', isWatched: true });
    clock.pass(1);
    expect(from.asked.snapshots).toBe(1);
    port.says({ type: 'taken' });
    port.says({ type: 'audience', isWatched: false });
    clock.pass(60_000);
    expect(from.asked.snapshots).toBe(1);
  });

  it('makes one a second, and the next only when the worker has taken the last', async () => {
    const clock = new FakeClock();
    const { feed, port } = await openFeed(clock);
    feed.source = source();
    port.says({ type: 'audience', isWatched: true });
    for (let second = 0; second < 10; second++) {
      clock.pass(1000);
      port.says({ type: 'taken' });
    }
    expect(port.count('snapshot')).toBeGreaterThanOrEqual(10);
    expect(port.count('snapshot')).toBeLessThanOrEqual(11);
    const before = port.count('snapshot');
    clock.pass(600_000);
    expect(port.count('snapshot')).toBeLessThanOrEqual(before + 1);
  });

  it('takes 1 % of the thread at most, whatever a snapshot costs', async () => {
    const clock = new FakeClock();
    const { feed, port } = await openFeed(clock);
    const from = source(() => {
      clock.block(50);
      port.says({ type: 'taken' });
    });
    feed.source = from;
    port.says({ type: 'audience', isWatched: true });
    clock.pass(60_000);
    expect(from.asked.snapshots).toBeGreaterThan(10);
    expect(from.asked.snapshots * 50).toBeLessThanOrEqual(60_000 * 0.011);
  });

  it('goes on when one snapshot took long', async () => {
    const clock = new FakeClock();
    const { feed, port } = await openFeed(clock);
    const from = source(() => {
      clock.block(from.asked.snapshots === 5 ? 500 : 2);
      port.says({ type: 'taken' });
    });
    feed.source = from;
    port.says({ type: 'audience', isWatched: true });
    clock.pass(20_000);
    expect(from.asked.snapshots).toBeGreaterThan(18);
  });

  it('makes no more for pages that are loaded again and again', async () => {
    const clock = new FakeClock();
    const { feed, port } = await openFeed(clock);
    const from = source();
    feed.source = from;
    for (let load = 0; load < 100; load++) {
      port.says({ type: 'audience', isWatched: true });
      clock.pass(10);
      port.says({ type: 'taken' });
      port.says({ type: 'audience', isWatched: false });
    }
    expect(from.asked.snapshots).toBeLessThanOrEqual(2);
  });

  it('answers and tells so much a second, and no more', async () => {
    const clock = new FakeClock();
    const { feed, port } = await openFeed(clock);
    const from = source();
    feed.source = from;
    for (let id = 0; id < 100; id++) port.says({ type: 'ask', id, question: { what: 'history' } });
    expect(from.asked.answers).toBe(5);
    expect(port.count('answer')).toBe(100);
    expect(port.sent.at(-1)).toEqual({ type: 'answer', id: 99, json: 'null' });
    for (let nth = 0; nth < 1000; nth++) feed.event('warning', 'x'.repeat(10_000));
    expect(port.count('event')).toBe(20);
    expect(Buffer.byteLength(JSON.stringify(port.sent))).toBeLessThan(30_000);
    clock.pass(1000);
    feed.event('info', 'later');
    expect(port.count('event')).toBe(21);
  });

  it('lets the run go on when the worker ends', async () => {
    const clock = new FakeClock();
    const { feed, port, lost } = await openFeed(clock);
    feed.source = source();
    port.says({ type: 'audience', isWatched: true });
    port.ends();
    const before = port.sent.length;
    clock.pass(10_000);
    feed.event('info', 'nobody hears');
    expect(port.sent).toHaveLength(before);
    expect(lost).toEqual(['its thread ended with code 1']);
  });

  it('tells those who look on what came of the run, and then ends', async () => {
    const { feed, port } = await openFeed(new FakeClock());
    feed.outcome = { verdict: 'pass', summary: 'all was well' };
    port.says({ type: 'audience', isWatched: true });
    const closing = feed.close();
    const json = '{"verdict":"pass","summary":"all was well"}';
    expect(port.sent).toEqual([{ type: 'end', json }]);
    port.says({ type: 'ended' });
    await closing;
    feed.event('info', 'nobody hears');
    expect(port.sent).toHaveLength(1);
  });

  it('waits a second at most for those who look on, and not at all for nobody', async () => {
    const clock = new FakeClock();
    const watched = await openFeed(clock);
    watched.port.says({ type: 'audience', isWatched: true });
    const closing = watched.feed.close();
    clock.pass(1000);
    await closing;
    const unwatched = await openFeed(clock);
    await unwatched.feed.close();
    expect(unwatched.port.sent).toEqual([]);
  });

  it('says that the port is in use', async () => {
    const port = new FakePort();
    const starting = LiveFeed.start({
      config: { host: '127.0.0.1', port: 80, title: 'run' },
      clock: new FakeClock(),
      onLost: () => {},
      startWorker: () => port,
    });
    port.says({ type: 'refused', message: 'port 80 of 127.0.0.1 is in use', hint: 'name another' });
    await expect(starting).rejects.toMatchObject({
      code: 'bad-input',
      message: 'the live page: port 80 of 127.0.0.1 is in use',
    });
  });
});

type Served = { server: RunningServer; pages: LivePages; posted: LiveMessage[] };

async function withPages(test: (served: Served) => Promise<void>): Promise<void> {
  const posted: LiveMessage[] = [];
  const pages = new LivePages({
    title: hostileName,
    clock: systemClock,
    post: (message) => {
      posted.push(message);
      if (message.type !== 'ask') return;
      pages.obey({ type: 'answer', id: message.id, json: JSON.stringify(message.question) });
    },
  });
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    handle: (request) => pages.handle(request),
    onFault: (error) => {
      throw error;
    },
  });
  try {
    await test({ server, pages, posted });
  } finally {
    await server.close();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(isTrue: () => boolean): Promise<void> {
  for (let turns = 0; !isTrue(); turns++) {
    if (turns > 100_000) throw new Error('it never was');
    await turn();
  }
}

/** A browser that asks for events; one that is paused never reads what comes. */
function browser(port: number, isPaused: boolean): { text: () => string; end: () => void } {
  let text = '';
  const socket = connect(port, '127.0.0.1', () => {
    socket.write(`GET /events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  });
  socket.on('error', () => {});
  if (isPaused) socket.pause();
  else socket.on('data', (chunk) => (text = (text + chunk.toString('utf8')).slice(-400_000)));
  return { text: () => text, end: () => socket.destroy() };
}

/** What a browser is told first, once all of it has come. */
function welcomeOf(text: string): Record<string, unknown> | undefined {
  const [, json] = /^event: welcome\ndata: (.+)\n\n/m.exec(text) ?? [];
  return json === undefined ? undefined : (JSON.parse(json) as Record<string, unknown>);
}

describe('LivePages', () => {
  it('holds a bounded number of bytes for a browser that never reads, and serves the others', async () => {
    await withPages(async ({ server, pages, posted }) => {
      const stuck = browser(server.port, true);
      const reader = browser(server.port, false);
      await until(() => pages.audience.size === 2);
      const bytes = 200_000;
      let heldMax = 0;
      for (let nth = 0; nth < 400 && pages.audience.size === 2; nth++) {
        pages.obey({ type: 'snapshot', json: JSON.stringify({ nth, filler: 'x'.repeat(bytes) }) });
        heldMax = Math.max(heldMax, pages.audience.heldBytes);
        // The one that reads takes what it is sent.
        await until(() => reader.text().includes(`"nth":${nth},`) || pages.audience.droppedCount > 60);
      }
      expect(pages.audience.droppedCount).toBeGreaterThanOrEqual(30);
      // The one that never reads is let go, the other one stays.
      expect(pages.audience.size).toBe(1);
      expect(heldMax).toBeLessThan(4 * bytes);
      expect(posted.filter(({ type }) => type === 'taken').length).toBeGreaterThan(30);
      stuck.end();
      reader.end();
      await until(() => pages.audience.size === 0);
      expect(posted.at(-1)).toEqual({ type: 'audience', isWatched: false });
    });
  });

  it('tells who comes late what there was', async () => {
    await withPages(async ({ server, pages }) => {
      pages.obey({ type: 'snapshot', json: '{"nth":1}' });
      pages.obey({ type: 'event', event: { wallMs: 1, kind: 'warning', text: 'a\nb' } });
      pages.obey({ type: 'logs', paths: { etcd: '/nowhere/etcd.log' } });
      const reader = browser(server.port, false);
      await until(() => welcomeOf(reader.text()) !== undefined);
      expect(welcomeOf(reader.text())).toEqual({
        snapshot: { nth: 1 },
        events: [{ wallMs: 1, kind: 'warning', text: 'a\nb' }],
        logs: ['etcd'],
        history: { what: 'history' },
      });
      reader.end();
    });
  });

  it('tells who comes late all there was, however much that is', async () => {
    await withPages(async ({ server, pages }) => {
      pages.obey({ type: 'snapshot', json: JSON.stringify({ filler: 'x'.repeat(50_000) }) });
      for (let nth = 0; nth < 200; nth++) {
        pages.obey({ type: 'event', event: { wallMs: nth, kind: 'warning', text: `${nth} `.repeat(125) } });
      }
      pages.obey({ type: 'logs', paths: { etcd: '/nowhere/etcd.log' } });
      const reader = browser(server.port, false);
      await until(() => welcomeOf(reader.text()) !== undefined);
      const { events, logs, history } = welcomeOf(reader.text()) ?? {};
      expect(events).toHaveLength(200);
      expect([logs, history]).toEqual([['etcd'], { what: 'history' }]);
      expect(pages.audience.droppedCount).toBe(0);
      pages.obey({ type: 'snapshot', json: '{"nth":2}' });
      await until(() => reader.text().includes('event: snapshot\ndata: {"nth":2}'));
      reader.end();
    });
  });

  it('asks once for those who want to know the same at about the same time', async () => {
    await withPages(async ({ server, posted }) => {
      const paths = [...Array<string>(8).fill('/api/nodes?q=a'), '/api/nodes?q=b'];
      await Promise.all(paths.map((path) => ask(server.port, path)));
      const asked = posted.filter(({ type }) => type === 'ask');
      expect(asked).toHaveLength(2);
    });
  });

  it('says that it has no answer without a status that browsers complain of', async () => {
    const pages: LivePages = new LivePages({
      title: 'run',
      clock: systemClock,
      post: (message) => {
        if (message.type === 'ask') pages.obey({ type: 'answer', id: message.id, json: 'null' });
      },
    });
    const reply = await pages.handle({ path: ['api', 'nodes'], query: new URLSearchParams() });
    expect(reply).toMatchObject({ status: 200, body: 'null' });
  });

  it('tells all who can take it that it is over, and lets all go', async () => {
    await withPages(async ({ server, pages, posted }) => {
      const stuck = browser(server.port, true);
      const reader = browser(server.port, false);
      await until(() => pages.audience.size === 2);
      // More than the buffers of a socket: the one that reads nothing is behind from now on.
      pages.obey({ type: 'snapshot', json: JSON.stringify({ filler: 'x'.repeat(20_000_000), nth: 1 }) });
      await until(() => reader.text().includes('"nth":1}'));
      pages.obey({ type: 'end', json: 'null' });
      await until(() => posted.some(({ type }) => type === 'ended') && pages.audience.size === 0);
      expect(reader.text()).toContain('event: end\ndata: null\n\n');
      stuck.end();
      reader.end();
    });
  });

  it('refuses more listeners than it has room for', async () => {
    await withPages(async ({ server, pages }) => {
      const readers = Array.from({ length: listenersMax }, () => browser(server.port, false));
      await until(() => pages.audience.size === listenersMax);
      expect((await ask(server.port, '/events')).status).toBe(503);
      for (const reader of readers) reader.end();
    });
  });

  it('hands on questions with what is known to be good in them', async () => {
    await withPages(async ({ server }) => {
      const of = async (path: string): Promise<unknown> => JSON.parse((await ask(server.port, path)).body);
      expect(await of('/api/nodes?state=ready&q=node-1&offset=250')).toEqual({
        what: 'nodes',
        state: 'ready',
        text: 'node-1',
        offset: 200,
      });
      expect(await of('/api/nodes?state=odd&offset=-3')).toMatchObject({ state: '', offset: 0 });
      expect(await of('/api/node?name=node-1&offset=1e99')).toMatchObject({ name: 'node-1', offset: 0 });
    });
  });

  it('gives logs of components, by name and not by path', async () => {
    await withPages(async ({ server, pages }) => {
      pages.obey({ type: 'logs', paths: { etcd: '/nowhere/etcd.log' } });
      expect((await ask(server.port, '/api/log?component=etcd')).body).toBe('{"lines":[]}');
      for (const name of ['/etc/passwd', '..', 'toString', '__proto__', '']) {
        const { status } = await ask(server.port, `/api/log?component=${encodeURIComponent(name)}`);
        expect({ name, status }).toEqual({ name, status: 404 });
      }
    });
  });

  it('has a page whose names are escaped, and nothing else', async () => {
    await withPages(async ({ server }) => {
      const { status, body } = await ask(server.port, '/');
      expect(status).toBe(200);
      expect(body).not.toMatch(/<img/);
      for (const script of ['live.js', 'live-nodes.js', 'live-tables.js']) {
        expect((await ask(server.port, `/assets/dashboard/page/${script}`)).status, script).toBe(200);
      }
      for (const path of ['/none', '/api', '/api/none', '/events/more', '/a/b/c']) {
        expect((await ask(server.port, path)).status, path).toBe(404);
      }
    });
  });
});

describe('Audience', () => {
  it('sends nothing to one that has not had its welcome, and that whole', () => {
    const audience = new Audience(() => {});
    const written: string[] = [];
    const listener = {
      writableNeedDrain: true,
      writableLength: 0,
      write: (text: string) => written.push(text),
      once: () => {},
    } as unknown as Parameters<Audience['add']>[0];
    audience.welcome(listener, 'welcome', '0');
    audience.add(listener);
    audience.send('snapshot', '1');
    audience.welcome(listener, 'welcome', '2');
    audience.send('snapshot', '3');
    expect(written).toEqual(['event: welcome\ndata: 2\n\n']);
    expect(audience.droppedCount).toBe(1);
  });

  it('says when the first comes and when the last goes', () => {
    const said: boolean[] = [];
    const audience = new Audience((isWatched) => said.push(isWatched));
    const closes: (() => void)[] = [];
    const one = (): Parameters<Audience['add']>[0] =>
      ({
        writableNeedDrain: false,
        writableLength: 0,
        write: () => true,
        once: (_: string, close: () => void) => closes.push(close),
      }) as unknown as Parameters<Audience['add']>[0];
    audience.add(one());
    audience.add(one());
    for (const close of closes) close();
    for (const close of closes) close();
    expect(said).toEqual([true, false]);
  });
});

function pod(uid: string, change: { node?: string; workload?: string } = {}) {
  return {
    ...podFacts({ metadata: { uid, name: uid, namespace: 'ns' } }),
    kind: 'deployment',
    workload: change.workload ?? 'web',
    node: change.node ?? '',
  };
}

describe('LiveInventory', () => {
  const ready = { ready: true, readyUs: 0, readyDelayUs: 0, lapses: 0, taints: [] };

  it('follows pods from state to state, and to their nodes', () => {
    const inventory = new LiveInventory();
    inventory.onNode('node-1', ready);
    for (const uid of ['a', 'b', 'c', 'd']) inventory.onSeen(pod(uid));
    for (const uid of ['a', 'b', 'c']) inventory.onScheduled(pod(uid, { node: 'node-1' }));
    inventory.onStarted(pod('a'));
    inventory.onFailed('b');
    expect(inventory.counts).toEqual({ pending: 1, scheduled: 1, started: 1, failed: 1 });
    inventory.onGone('a');
    inventory.onGone('a');
    inventory.onGone('d');
    expect(inventory.counts).toEqual({ pending: 0, scheduled: 1, started: 0, failed: 1 });
    expect(nodeAnswer(inventory, { what: 'node', name: 'node-1', offset: 0 })).toEqual({
      isThere: true,
      total: 2,
      rows: [
        { namespace: 'ns', name: 'b', kind: 'deployment', workload: 'web', state: 'failed' },
        { namespace: 'ns', name: 'c', kind: 'deployment', workload: 'web', state: 'scheduled' },
      ],
    });
    expect(workloadsOf(inventory).workloads).toEqual([
      { namespace: 'ns', kind: 'deployment', name: 'web', total: 4, started: 1, failed: 1, deleted: 2 },
    ]);
  });

  it('answers for nodes by state and name, page by page', () => {
    const inventory = new LiveInventory();
    for (let nth = 0; nth < 450; nth++) inventory.onNode(`node-${nth}`, { ...ready, ready: nth % 2 === 0 });
    const answer = nodesAnswer(inventory, { what: 'nodes', state: 'ready', text: 'node-', offset: 200 });
    expect(answer.total).toBe(225);
    expect(answer.rows).toHaveLength(25);
    expect(nodesAnswer(inventory, { what: 'nodes', state: '', text: 'node-44', offset: 0 }).total).toBe(11);
    inventory.onNodeGone('node-44');
    expect(nodeAnswer(inventory, { what: 'node', name: 'node-44', offset: 0 }).isThere).toBe(false);
  });

  it('lists those workloads first that are not through', () => {
    const inventory = new LiveInventory();
    for (let nth = 0; nth < 150; nth++) {
      const facts = pod(`pod-${nth}`, { workload: `web-${nth}` });
      inventory.onSeen(facts);
      if (nth < 149) inventory.onStarted(facts);
    }
    const { workloads, workloadsOmitted } = workloadsOf(inventory);
    expect(workloads[0]?.name).toBe('web-149');
    expect(workloads).toHaveLength(100);
    expect(workloadsOmitted).toBe(50);
  });
});
