import { readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LiveNodeAnswer, LiveNodesAnswer, LiveSnapshot } from '../../src/dashboard/live/snapshot.ts';
import { readResult } from '../../src/result/read.ts';
import { CliRun, type Started } from './cli-run.ts';
import { eventually } from './support.ts';

const scenario = `name: tiny
nodes: { count: 3, capacity: { cpu: 4, memory: 16Gi, pods: 40 } }
phases:
  - { type: create-deployments, name: fill, podsPerNode: 4, podsPerDeployment: 2, pacing: { strategy: poisson, requestsPerSecond: 10 } }
  - { type: wait, for: pods-started, timeout: 2m }
  - { type: steady, name: hold, duration: 10s }
  - { type: delete }
`;

let cli: CliRun;
beforeAll(() => {
  cli = new CliRun({ 'tiny.yaml': scenario });
});
afterEach(() => cli.endRuns());
afterAll(() => cli.remove());

const line = (started: Started, type: string): Record<string, unknown> | undefined =>
  started
    .stdout()
    .split('\n')
    // What follows the last end of a line may go on.
    .slice(0, -1)
    .filter((text) => text.startsWith('{'))
    .map((text) => JSON.parse(text) as Record<string, unknown>)
    .find((one) => one['type'] === type);

async function pageOf(started: Started): Promise<string> {
  await eventually('the live page is there', () => line(started, 'live') !== undefined);
  return String(line(started, 'live')?.['url']);
}

/** The events of a page; with `isPaused` they are asked for and never read. */
class Events {
  text = '';
  readonly socket: Socket;

  constructor(url: string, isPaused = false) {
    const { port, host } = new URL(url);
    this.socket = connect(Number(port), '127.0.0.1', () => {
      this.socket.write(`GET /events HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    });
    this.socket.on('error', () => {});
    if (isPaused) this.socket.pause();
    else this.socket.on('data', (chunk) => (this.text += chunk.toString('utf8')));
  }

  snapshots(): LiveSnapshot[] {
    return [...this.text.matchAll(/^event: snapshot\ndata: (.+)\n\n/gm)].map(
      (match) => JSON.parse(match[1] ?? '') as LiveSnapshot,
    );
  }
}

async function json<T>(url: string, path: string): Promise<T> {
  const response = await fetch(new URL(path, url));
  expect(response.status, path).toBe(200);
  return (await response.json()) as T;
}

describe('run --live', () => {
  it('shows nodes, pods and logs while the run goes on, and ends with it', async () => {
    // Of a first try.
    rmSync(join(cli.dir, 'one'), { recursive: true, force: true });
    const run = cli.start('run', 'tiny.yaml', '--json', '--live', '--out', 'one');
    const url = await pageOf(run);
    const events = new Events(url);
    const stuck = new Events(url, true);
    await eventually(
      'all pods are seen started',
      () => events.snapshots().some(({ pods }) => pods.started === 12),
      120_000,
    );
    const { rows } = await json<LiveNodesAnswer>(url, '/api/nodes?state=ready');
    expect(rows.map(({ name }) => name).toSorted()).toEqual(['hollow-00001', 'hollow-00002', 'hollow-00003']);
    expect(rows.reduce((sum, { pods }) => sum + pods, 0)).toBe(12);
    // A node that became schedulable after the others may have none.
    const fullest = rows.toSorted((a, b) => b.pods - a.pods)[0]?.name ?? '';
    const node = await json<LiveNodeAnswer>(url, `/api/node?name=${fullest}`);
    expect(node).toMatchObject({ isThere: true });
    expect(node.rows[0]).toMatchObject({ kind: 'deployment', state: 'started' });
    const log = await json<{ lines: string[] }>(url, '/api/log?component=kube-apiserver');
    expect(log.lines.length).toBeGreaterThan(0);

    const last = events.snapshots().at(-1);
    expect(last).toMatchObject({ nodes: { expected: 3, ready: 3, notReady: 0 }, apiServer: 'answers' });
    for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'fleet']) {
      expect(last?.processes.find((one) => one.name === name)).toMatchObject({ state: 'running' });
    }
    expect(last?.latencies.map(({ name, seconds }) => [name, seconds])).toEqual([
      ['pod startup', 10],
      ['pod startup', 60],
      ['API calls', 10],
      ['API calls', 60],
    ]);
    expect(last?.latencies[3]?.count).toBeGreaterThan(0);
    expect(last?.point).not.toBeNull();
    expect(events.text).toContain('"kind":"step"');

    await run.exit;
    stuck.socket.destroy();
    const result = readResult(join(cli.dir, 'one'));
    expect(result.run.phases.map(({ outcome }) => outcome)).toEqual(Array(4).fill('completed'));
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    await cli.processesGone();
  });

  it('is refused before anything is started when its port is in use', async () => {
    const first = cli.start('run', 'tiny.yaml', '--json', '--live', '--out', 'two');
    const { port } = new URL(await pageOf(first));
    const second = await cli.finish('run', 'tiny.yaml', '--live', '--live-port', port, '--out', 'three');
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(`port ${port} of 127.0.0.1 is in use`);
    first.child.kill('SIGINT');
    await first.exit;
    await cli.processesGone();
  });
});

describe('up --live', () => {
  it('shows the nodes and ends with the cluster', async () => {
    const up = cli.start('up', '--nodes', '2', '--json', '--live');
    const url = await pageOf(up);
    const events = new Events(url);
    await eventually(
      'both nodes are seen Ready',
      () => events.snapshots().some(({ nodes }) => nodes.ready === 2),
      120_000,
    );
    expect(events.snapshots().at(-1)?.point?.requestsPerSecond).toBeNull();
    await eventually(
      'the API server is said to answer',
      () => events.snapshots().at(-1)?.apiServer === 'answers',
    );
    const states = events
      .snapshots()
      .at(-1)
      ?.processes.map(({ name, state }) => `${name} ${state}`);
    expect(states).toContain('kube-scheduler running');
    up.child.kill('SIGINT');
    expect((await up.exit).code).toBe(130);
    await cli.processesGone();
  });
});

describe('serve', () => {
  it('shows what the runs above have left, and ends at once', async () => {
    // Its index is not for the user's own cache.
    const cache = { HOLLOWMARK_CACHE: join(cli.temporary, 'cache') };
    const serve = cli.startWith(cache, 'serve', '.', '--port', '0', '--json');
    await eventually('it serves', () => line(serve, 'serving') !== undefined);
    const url = String(line(serve, 'serving')?.['url']);
    await eventually('the run is listed', async () =>
      (await (await fetch(url)).text()).includes('href="/run/one/"'),
    );
    const report = await fetch(new URL('/files/one/report.html', url));
    expect(report.headers.get('content-security-policy')).toContain('sandbox');
    expect(await report.text()).toContain('<h1>tiny</h1>');
    const listening = new Events(url);
    serve.child.kill('SIGINT');
    expect((await serve.exit).code).toBe(130);
    expect(readdirSync(join(cache.HOLLOWMARK_CACHE, 'history'))).toHaveLength(1);
    listening.socket.destroy();
  });
});
