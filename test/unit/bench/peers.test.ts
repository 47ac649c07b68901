import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectionsTo, establishedTo } from '../../../src/bench/peers/connections.ts';
import { peerChart, peerRows, renderRows } from '../../../src/bench/peers/figures.ts';
import type { PeerSample } from '../../../src/bench/peers/slopes.ts';

const step = (cpuMsPerPod: number): PeerSample['deleted'] => ({
  elapsedMs: 1000,
  cpuMsPerPod,
  apiServerCpuMsPerPod: 20,
});

/** A contender whose process takes 80 MB and 5 ms/s without any node, and `factor` times some figures for each. */
function sample(contender: string, nodes: number, factor: number): PeerSample {
  const idleRssBytes = 80e6 + nodes * factor * 0.1e6;
  const podsRssBytes = idleRssBytes + nodes * factor * 0.05e6;
  return {
    contender,
    nodes,
    nodesReadyMs: nodes * 10,
    bringUpCpuMsPerNode: 4 * factor,
    watchesPerNode: 9,
    idleRssBytes,
    idleCpuMsPerSecond: 5 + nodes * factor * 0.03,
    apiServerIdleCpuMsPerSecond: 40 + nodes * factor * 0.2,
    connections: 20 + nodes * 2,
    started: step(3 * factor),
    podsRssBytes,
    watchesPerNodeWithPods: 17,
    morePods: 10 * nodes,
    moreStarted: step(2 * factor),
    moreRssBytes: podsRssBytes + 10 * nodes * factor * 1500,
    garbageBytes: 90e6,
    deleted: step(1.5 * factor),
    burst: { pods: 3000, elapsedMs: 30_000 },
    notReadyEvents: 1,
    podsNotReady: 2,
  };
}

const fleets = (contender: string, ...factors: number[]): PeerSample[] =>
  factors.flatMap((factor) => [sample(contender, 100, factor), sample(contender, 500, factor)]);

function figureOf(samples: PeerSample[], id: string, contender = 'Hollowmark kubelet') {
  const row = peerRows(samples).find((other) => other.id === id);
  return row?.figures.find((figure) => figure.contender === contender);
}

describe('figures of peers', () => {
  it.each([
    ['memory-node', 0.1],
    ['memory-node-pods', 0.15],
    ['memory-pod', 1.5],
    ['garbage', 90],
    ['cpu-node', 0.03],
    ['cpu-start', 2],
    ['cpu-start-first', 3],
    ['cpu-delete', 1.5],
    ['connections-node', 2],
    ['bring-up', 4],
    ['api-server-node', 0.2],
    ['burst', 100],
    ['nodes-ready', 5],
    ['not-ready', 2],
    ['pods-not-ready', 4],
  ])('%s leaves out what a process takes without a node', (id, expected) => {
    expect(figureOf(fleets('Hollowmark kubelet', 1), id)?.median).toBeCloseTo(expected, 9);
  });

  it('are medians of slopes, run by run', () => {
    const figure = figureOf(fleets('Hollowmark kubelet', 1, 9, 2), 'memory-node');
    expect(figure?.median).toBeCloseTo(0.2, 9);
    expect(figure?.runs.map((value) => Number(value.toFixed(6)))).toEqual([0.1, 0.9, 0.2]);
  });

  it('are left out where there was one size of fleet, no further pods or no burst', () => {
    const [, large] = fleets('KWOK', 1);
    const { moreStarted: _, moreRssBytes: __, ...few } = large as PeerSample;
    const samples = [{ ...few, moreStarted: undefined, moreRssBytes: undefined, burst: undefined }];
    const ids = peerRows(samples).flatMap(({ id, figures }) => (figures.length === 0 ? [id] : []));
    expect(ids).toEqual(
      ['memory-node', 'memory-node-pods', 'memory-pod', 'cpu-node', 'cpu-start', 'connections-node'].concat([
        'api-server-node',
        'burst',
      ]),
    );
  });

  it('say how they stand to the reference, and whether they are as small as they are to be', () => {
    const rows = peerRows([...fleets('Hollowmark kubelet', 1), ...fleets('KWOK', 0.5)]);
    const lineOf = (text: string): string | undefined =>
      renderRows(rows, 'KWOK')
        .split('\n')
        .find((line) => line.startsWith(`| ${text} |`));
    expect(lineOf('memory per empty node')).toBe(
      '| memory per empty node | MB | 0.1 (× 2), ≤ 0.28 met | 0.05 |',
    );
    expect(lineOf('CPU per steady node')).toBe(
      '| CPU per steady node | ms/s | 0.03 (× 2), ≤ 0.04 met | 0.015 |',
    );
    expect(lineOf('CPU per pod deleted')).toBe('| CPU per pod deleted | ms | 1.5 (× 2), ≤ 1.8 met | 0.75 |');
    const dear = peerRows(fleets('Hollowmark kubelet', 3));
    expect(renderRows(dear, 'KWOK')).toContain('| CPU per pod deleted | ms | 4.5, ≤ 1.8 missed |');
    const figures = [
      { contender: 'A', median: 2.046, runs: [2.046], goal: 2 },
      { contender: 'KWOK', median: -0.3, runs: [-0.3], goal: undefined },
    ];
    const close = [{ id: 'memory-pod', text: 'a pod', unit: 'KB', figures }];
    expect(renderRows(close, 'KWOK')).toContain('| a pod | KB | 2.05, ≤ 2 missed | ≈ 0 |');
  });

  it('are drawn as multiples of the reference', () => {
    const { series, categories } = peerChart(
      peerRows([...fleets('Hollowmark kubelet', 1), ...fleets('KWOK', 0.5)]),
      'KWOK',
    );
    expect(categories).toHaveLength(7);
    const ratios = series.map(({ label, points }) => [
      label,
      points.map(([, value]) => Number(value?.toFixed(6))),
    ]);
    expect(ratios).toEqual([
      ['Hollowmark kubelet', [2, 2, 2, 2, 2, 2, 2]],
      ['KWOK', [1, 1, 1, 1, 1, 1, 1]],
    ]);
    const free = peerRows([...fleets('Hollowmark kubelet', 1), ...fleets('KWOK', 0)]);
    expect(peerChart(free, 'KWOK').categories).toEqual([]);
  });
});

describe('connections', () => {
  // As Linux prints them: one that listens, one established from each end, one to another port, one that closes.
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1A85 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1A85 0100007F:B1E2 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1
   2: 0100007F:B1E2 0100007F:1A85 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
   3: 0100007F:B1E4 0100007F:0A85 01 00000000:00000000 00:00000000 00000000     0        0 4 1 0 20 4 30 10 -1
   4: 0100007F:B1E6 0100007F:1A85 06 00000000:00000000 00:00000000 00000000     0        0 5 1 0 20 4 30 10 -1
`;

  it('are counted at the clients’ ends', () => {
    expect(establishedTo(0x1a85, table)).toBe(1);
    expect(establishedTo(0x0a85, table)).toBe(1);
    expect(establishedTo(0x85, table)).toBe(0);
  });

  it('are those of this machine', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(connectionsTo(port)).toBe(0);
    const clients = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    await Promise.all(clients.map((client) => once(client, 'connect')));
    expect(connectionsTo(port)).toBe(2);
    for (const client of clients) client.destroy();
    server.close();
  });
});
