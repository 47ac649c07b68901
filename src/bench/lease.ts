import { type Clock, sleep } from '../base/clock.ts';
import { DelayQueue } from '../base/delay-queue.ts';
import { HollowmarkError } from '../base/errors.ts';
import { Prng } from '../base/prng.ts';
import { parseScenario } from '../scenario/load-scenario.ts';
import { nodeConfigs } from '../scenario/nodes.ts';
import { KubeletContext, type NodeConfig } from '../hollow/context.ts';
import { LeaseRenewer } from '../hollow/node/lease.ts';
import { NodeImages } from '../hollow/runtime/image-store.ts';
import { NodeRuntimes } from '../hollow/runtime/node-runtimes.ts';
import { ApiClient } from '../kube/client.ts';
import { HandshakeGate } from '../kube/handshake-gate.ts';
import { IdentityIssuer } from '../kube/identity-issuer.ts';
import type { ClientIdentity } from '../kube/identity.ts';
import { CallMetrics, callClass } from '../metrics/call-metrics.ts';
import { codecNamed } from '../wire/negotiation.ts';
import { type BenchCluster, withBenchCluster } from './bench-cluster.ts';

const anyCall = callClass('ANY', 'bench', '', 'cluster');

/** Code is compiled and leases are made meanwhile. */
const warmUpMinMs = 15_000;

/** CPU of one renewal at most: from the issue that asked for it. */
const leaseGoalUs = 150;

/** What renewing leases cost this process at one rate. */
export type LeaseFigure = { askedPerSecond: number; renewedPerSecond: number; cpuUsPerPut: number };

export type LeaseOptions = {
  nodes: number;
  /** Renewals a second of all nodes together, one measurement after the other. */
  rates: readonly number[];
  /** How long each is measured. */
  windowMs: number;
  clock: Clock;
  say: (text: string) => void;
};

/**
 * CPU per lease PUT: the kubelet's own renewer, codec and client, each node on a connection and an identity of its own, but
 * renewing more often than every 10 s. What else a steady node does (bookmarks, status, its proxy) is not in it.
 * @throws HollowmarkError `bad-input`; `cluster-unavailable` when a node cannot be made or no lease is renewed.
 */
export async function measureLeases(options: LeaseOptions): Promise<LeaseFigure[]> {
  const { clock, nodes, rates, say, windowMs } = options;
  for (const [name, value] of [
    ['nodes', nodes],
    ['seconds', windowMs],
    ...rates.map((rate) => ['rates', rate] as const),
  ] as const) {
    if (!(Number.isFinite(value) && value > 0)) {
      throw new HollowmarkError('bad-input', `--${name} must be above 0`);
    }
  }
  return withBenchCluster(async (bench) => {
    const renewers = await Renewers.open(options, bench);
    try {
      const figures: LeaseFigure[] = [];
      for (const [index, askedPerSecond] of rates.entries()) {
        renewers.ratePerSecond = askedPerSecond;
        await sleep(clock, warmUpMs(nodes, askedPerSecond, rates[index - 1]));
        const before = { count: renewers.count, us: clock.nowUs(), cpu: process.cpuUsage() };
        await sleep(clock, windowMs);
        const { user, system } = process.cpuUsage(before.cpu);
        const count = renewers.count - before.count;
        if (count === 0) {
          throw new HollowmarkError(
            'cluster-unavailable',
            `no lease was renewed in ${windowMs / 1000} s at ${askedPerSecond} PUT/s`,
          );
        }
        const figure = {
          askedPerSecond,
          renewedPerSecond: (count * 1e6) / (clock.nowUs() - before.us),
          cpuUsPerPut: (user + system) / count,
        };
        say(`${figure.renewedPerSecond.toFixed(0)} PUT/s: ${figure.cpuUsPerPut.toFixed(0)} µs each`);
        figures.push(figure);
      }
      return figures;
    } finally {
      renewers.close();
    }
  });
}

/**
 * Until renewals come at a new rate: what waits at the rate before comes first, and then each node once, give or take what
 * its waits vary by.
 */
export function warmUpMs(nodes: number, ratePerSecond: number, previousPerSecond = ratePerSecond): number {
  return Math.max(warmUpMinMs, (1500 * nodes) / Math.min(ratePerSecond, previousPerSecond));
}

/** Nodes that do nothing but renew their leases. */
class Renewers {
  /** Renewals that were answered. */
  count = 0;
  ratePerSecond: number;
  private readonly clients: ApiClient[] = [];
  private readonly delays: DelayQueue;

  private constructor({ clock, rates, say }: LeaseOptions) {
    // The first nodes renew while the last ones are being made.
    this.ratePerSecond = rates[0] ?? 1;
    this.delays = new DelayQueue(clock, (error) => say(String(error)));
  }

  static async open(options: LeaseOptions, { cluster }: BenchCluster): Promise<Renewers> {
    const { clock, nodes } = options;
    const prng = new Prng('bench');
    const shared = { clock, prng, metrics: new CallMetrics(), handshakes: new HandshakeGate(16) };
    const agent = { ...shared, userAgent: 'hollowmark-bench' };
    const issuer = await IdentityIssuer.open(cluster.nodeIdentities, cluster.endpoint, agent);
    const renewers = new Renewers(options);
    const admin = new ApiClient({
      ...agent,
      endpoint: cluster.endpoint,
      identity: cluster.admin,
      codec: codecNamed('json'),
    });
    const text = 'name: bench\nnodes: {count: 1}\nphases: [{type: steady, duration: 1s}]\n';
    const { scenario } = parseScenario(text, 'bench', { nodes, sets: [] });
    try {
      for (const node of nodeConfigs(scenario, cluster.version, 'bench')) {
        const body = codecNamed('json').encode({ metadata: { name: node.name } });
        const { status } = await admin.request({
          method: 'POST',
          path: '/api/v1/nodes',
          kind: anyCall,
          body,
        });
        if (status !== 201) {
          throw new HollowmarkError('cluster-unavailable', `the node ${node.name} was answered ${status}`);
        }
        const groups = ['system:nodes'];
        const identity = await issuer.identityOf({ user: `system:node:${node.name}`, groups });
        renewers.add(options, cluster, node, identity, agent);
      }
      return renewers;
    } catch (error) {
      renewers.close();
      throw error;
    } finally {
      admin.close();
      issuer.close();
    }
  }

  private add(
    { nodes }: LeaseOptions,
    { endpoint }: BenchCluster['cluster'],
    node: NodeConfig,
    identity: ClientIdentity,
    agent: Pick<
      ConstructorParameters<typeof ApiClient>[0],
      'clock' | 'prng' | 'metrics' | 'handshakes' | 'userAgent'
    >,
  ): void {
    const codec = codecNamed('protobuf');
    const client = new ApiClient({ ...agent, endpoint, identity, codec });
    this.clients.push(client);
    const runtime = new NodeRuntimes().of('containerd');
    const prng = agent.prng.fork(node.name);
    const context = new KubeletContext(node, runtime, new NodeImages(runtime, prng), prng);
    const renewer = new LeaseRenewer(context, () => {});
    const act = (what: () => void): void => {
      context.now = { us: agent.clock.nowUs(), wallMs: agent.clock.wallMs() };
      context.effects = [];
      what();
      for (const effect of context.effects) {
        if (effect.type === 'after') {
          const delayMs = (nodes / this.ratePerSecond) * 1000 * prng.between(0.9, 1.1);
          this.delays.after(delayMs, () => act(() => renewer.onTimer()));
        } else if (effect.type === 'request' && effect.tag.to === 'lease') {
          const { request, tag } = effect;
          const body = request.body === undefined ? undefined : codec.encode(request.body);
          client.request({ ...request, body }).then(
            (answer) => {
              this.count += tag.step === 'update' && answer.status === 200 ? 1 : 0;
              act(() => renewer.onAnswer(tag.step, answer.status, codec.decode(answer.body)));
            },
            () => act(() => renewer.onAnswer(tag.step, 0, undefined)),
          );
        }
      }
    };
    // Spread from the first on.
    this.delays.after(prng.between(0, 5_000), () => act(() => renewer.start()));
  }

  close(): void {
    this.delays.close();
    for (const client of this.clients) client.close();
  }
}

/** A Markdown table. */
export function renderLeases(figures: readonly LeaseFigure[]): string {
  const lines = figures.map(({ renewedPerSecond, cpuUsPerPut }) => {
    const verdict = cpuUsPerPut <= leaseGoalUs ? 'met' : 'missed';
    return `| ${renewedPerSecond.toFixed(0)} | ${cpuUsPerPut.toFixed(0)}, ≤ ${leaseGoalUs} ${verdict} |`;
  });
  return `${['| lease PUTs a second | µs of CPU each |', '|---|---|', ...lines].join('\n')}\n`;
}
