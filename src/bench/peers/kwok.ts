import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { inParallel } from '../../base/in-parallel.ts';
import { Prng } from '../../base/prng.ts';
import { ApiClient } from '../../kube/client.ts';
import { HandshakeGate } from '../../kube/handshake-gate.ts';
import { runLabel } from '../../measure/observer.ts';
import { CallMetrics, callClass } from '../../metrics/call-metrics.ts';
import { jsonCodec } from '../../wire/json-codec.ts';
import type { Contender, ContenderOptions } from './contender.ts';
import { measurementId } from './measure.ts';

/** kubelet's own: a lease lasts 40 s and is renewed every 10. */
const leaseDurationSeconds = 40;

const createNode = callClass('POST', 'nodes', '', 'cluster');

/** KWOK with its own `fast` stages and heartbeats by lease: one process, one client for all nodes. */
export class KwokContender implements Contender {
  private readonly program: string;
  private readonly stagesPath: string;
  private child: ChildProcess | undefined;

  /** @param stagesPath KWOK's own stage definitions, in one file. */
  constructor(program: string, stagesPath: string) {
    this.program = program;
    this.stagesPath = stagesPath;
  }

  async start({ cluster, nodes, dir, children }: ContenderOptions): Promise<void> {
    const log = openSync(join(dir, 'kwok.log'), 'a');
    const child = spawn(
      this.program,
      [
        `--kubeconfig=${cluster.kubeconfigPath}`,
        `--config=${this.stagesPath}`,
        '--manage-all-nodes=true',
        `--node-lease-duration-seconds=${leaseDurationSeconds}`,
        // Each node has 254 pod addresses of its own elsewhere; KWOK has one pool for all.
        '--cidr=10.128.0.0/9',
      ],
      { cwd: dir, stdio: ['ignore', log, log] },
    );
    closeSync(log);
    await once(child, 'spawn');
    this.child = child;
    children.add('kwok', child.pid ?? 0);
    const client = new ApiClient({
      endpoint: cluster.endpoint,
      identity: cluster.admin,
      codec: jsonCodec,
      userAgent: 'hollowmark-bench',
      clock: systemClock,
      prng: new Prng('kwok'),
      metrics: new CallMetrics(),
      handshakes: new HandshakeGate(1),
    });
    const indexes = Array.from({ length: nodes }, (_, index) => index);
    await inParallel(indexes, 16, async (index) => {
      const body = jsonCodec.encode(kwokNode(`kwok-${index + 1}`));
      await client.request({ method: 'POST', path: '/api/v1/nodes', kind: createNode, body });
    });
    client.close();
  }

  pids(): number[] {
    return this.child?.pid === undefined ? [] : [this.child.pid];
  }

  watches(): number | undefined {
    return undefined;
  }

  async stop(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
}

function kwokNode(name: string): unknown {
  const resources = { cpu: '8', memory: '32Gi', 'ephemeral-storage': '100Gi', pods: '110' };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        [runLabel]: measurementId,
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
      },
    },
    status: { capacity: resources, allocatable: resources },
  };
}
