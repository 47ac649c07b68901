import { rm } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import type { ChildRegister } from '../journal/guardian.ts';
import type { ClientCertificate, SigningAuthority } from '../kube/identity.ts';
import { type ControlPlaneConfig, loopback } from './argv/config.ts';
import { perComponent } from './components.ts';
import type { ComponentName, ControlPlane, FlagProfile, LocalEndpoint } from './control-plane.ts';
import { readTail } from '../base/log-tail.ts';
import type { Pki } from './pki.ts';
import { type Probe, waitUntilReady } from './readiness.ts';
import type { BinarySet } from './sources/binary-set.ts';
import { Supervisor } from './supervisor.ts';

/** 3 s in all on an idle machine; a limit only for one that hangs or is far too busy. */
const readyLimitMs = 120_000;

/** Log lines that the error carries when a component runs but does not become ready. */
const messageLogLines = 10;

type Parts = {
  config: ControlPlaneConfig;
  niceness: number;
  argv: Record<ComponentName, string[]>;
  binaries: BinarySet;
  pki: Pki;
  endpoint: LocalEndpoint;
  stateDir: string;
  logDir: string;
  children: ChildRegister;
  /** Called when all is gone. */
  onStopped: () => Promise<void>;
  clock: Clock;
};

/** A control plane whose four processes are children of this one. Made and started by `startControlPlane`. */
export class LocalControlPlane implements ControlPlane {
  readonly version: string;
  readonly source: string;
  readonly profile: FlagProfile;
  readonly endpoint: LocalEndpoint;
  readonly clientAuthority: SigningAuthority;
  readonly admin: ClientCertificate;
  readonly frontProxyClient: ClientCertificate;
  readonly kubeconfigPath: string;
  readonly argv: Readonly<Record<ComponentName, string[]>>;
  readonly etcd: { endpoint: LocalEndpoint; client: ClientCertificate };
  readonly logDir: string;
  readonly ports: Readonly<Record<ComponentName, number>>;
  readonly died: Promise<never>;
  private readonly stateDir: string;
  private readonly onStopped: () => Promise<void>;
  private readonly clock: Clock;
  private readonly supervisor: Supervisor;
  private readonly stopped = new AbortController();

  constructor(parts: Parts) {
    const { config, binaries, pki, stateDir, logDir, clock } = parts;
    this.version = binaries.version;
    this.source = binaries.source;
    this.profile = config.profile;
    this.endpoint = parts.endpoint;
    this.clientAuthority = pki.clusterCa;
    this.admin = pki.admin;
    this.frontProxyClient = pki.frontProxyClient;
    this.kubeconfigPath = config.kubeconfigs.admin;
    this.argv = parts.argv;
    this.etcd = {
      endpoint: { url: `https://${loopback}:${config.ports.etcd}`, caPem: pki.etcdCa.certPem },
      client: pki.etcdClient,
    };
    this.logDir = logDir;
    this.ports = config.ports;
    this.stateDir = stateDir;
    this.clock = clock;
    this.onStopped = parts.onStopped;
    const { argv, niceness, children } = parts;
    this.supervisor = new Supervisor({ argv, stateDir, logDir, niceness, children, clock });
    this.died = this.supervisor.died;
  }

  /** Starts the four and waits until each is ready. The caller must call `stop` when this rejects. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.supervisor.start('etcd');
    await this.becomesReady('etcd', signal);
    await this.supervisor.start('kube-apiserver');
    await this.becomesReady('kube-apiserver', signal);
    await this.supervisor.start('kube-controller-manager');
    await this.supervisor.start('kube-scheduler');
    await Promise.all([
      this.becomesReady('kube-controller-manager', signal),
      this.becomesReady('kube-scheduler', signal),
    ]);
  }

  portWasTaken(): Promise<boolean> {
    return this.supervisor.portWasTaken();
  }

  pids(): Record<ComponentName, number> {
    return perComponent((name) => this.supervisor.process(name).pid);
  }

  async restart(component: ComponentName): Promise<void> {
    await this.supervisor.end(component);
    await this.supervisor.start(component);
    await this.becomesReady(component, this.stopped.signal);
  }

  async stop(): Promise<void> {
    await this.clear();
    await this.onStopped();
  }

  /** Ends every process and removes the state folder; who started all this may go on with another one there. */
  async clear(): Promise<void> {
    this.stopped.abort(new HollowmarkError('cluster-unavailable', 'the control plane is being stopped'));
    await this.supervisor.stop();
    await rm(this.stateDir, { recursive: true, force: true });
  }

  /** @throws when the signal aborts, a component dies, or the limit passes. */
  private async becomesReady(name: ComponentName, signal: AbortSignal): Promise<void> {
    const waiting = new AbortController();
    const either = AbortSignal.any([signal, waiting.signal]);
    try {
      const lastAnswer = await Promise.race([
        waitUntilReady(this.clock, this.probe(name), readyLimitMs, either),
        this.died,
      ]);
      if (lastAnswer !== undefined) throw await this.notReady(name, lastAnswer);
    } finally {
      waiting.abort();
    }
  }

  private async notReady(name: ComponentName, lastAnswer: string): Promise<HollowmarkError> {
    const lines = await readTail(this.supervisor.process(name).logPath, messageLogLines);
    return new HollowmarkError(
      'cluster-unavailable',
      `${name} is not ready after ${readyLimitMs / 1000} s (last answer: ${lastAnswer}); its last log lines:\n${lines.join('\n')}`,
    );
  }

  private probe(name: ComponentName): Probe {
    if (name === 'etcd') {
      const { endpoint, client } = this.etcd;
      const isReady = (status: number, body: string): boolean =>
        status === 200 && body.includes('"health":"true"');
      return { port: this.ports.etcd, path: '/health', caPem: endpoint.caPem, client, isReady };
    }
    const isReady = (status: number, body: string): boolean => status === 200 && body.trim() === 'ok';
    const kubernetes = { port: this.ports[name], caPem: this.endpoint.caPem, isReady };
    // `ok` and nothing else: before the RBAC roles are there, the controller manager would exit.
    if (name === 'kube-apiserver') return { ...kubernetes, path: '/readyz', client: this.admin };
    return { ...kubernetes, path: '/healthz', client: undefined };
  }
}
