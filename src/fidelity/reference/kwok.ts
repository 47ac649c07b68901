import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { inParallel } from '../../base/in-parallel.ts';
import { kubeconfigText } from '../../control-plane/kubeconfig.ts';
import { writePrivate } from '../../control-plane/pki.ts';
import { runCommand } from '../../control-plane/sources/run-command.ts';
import { CertificateIssuer } from '../../kube/certificates.ts';
import { callClass } from '../../metrics/call-metrics.ts';
import { installProgram } from '../peers/install-program.ts';
import { kwokProgram, kwokStagesProgram } from '../peers/programs.ts';
import type { SideOptions } from '../side.ts';
import { nodesBecomeReady } from './node-readiness.ts';
import { ProcessNodes } from './process-nodes.ts';
import { SideProcesses } from './side-processes.ts';
import { startOrClear } from './start-or-clear.ts';

/** As `kwokctl` has it. */
const leaseDurationSeconds = 40;

const createsMax = 20;
const postNode = callClass('POST', 'nodes', '', 'resource');

/** KWOK's nodes: objects that somebody makes, and one process that plays all of them. */
export class KwokNodes extends ProcessNodes {
  readonly kind = 'kwok';
  private argv: string[] = [];

  /** @throws HollowmarkError `bad-input` with proxies: KWOK has none. */
  constructor(options: SideOptions) {
    super(options);
    if (options.proxies) throw new HollowmarkError('bad-input', 'KWOK has no proxies');
  }

  start(): Promise<void> {
    const start = async (): Promise<void> => {
      await this.setUp();
      await inParallel(this.options.nodeNames, createsMax, (name) => this.createNode(name));
      await this.return();
    };
    return startOrClear('KWOK', this.options.signal, start, () => this.stop());
  }

  /** Resolves when the nodes are Ready, which they may be still: KWOK writes a status that is right no sooner. */
  async return(): Promise<void> {
    const { processes } = this;
    if (processes === undefined) throw new HollowmarkError('internal', 'KWOK was not set up');
    await processes.start('kwok', this.argv);
    await nodesBecomeReady(this.options, processes, 0, systemClock);
  }

  private async setUp(): Promise<void> {
    const { authority, children, endpoint, reporter, signal, stateDir } = this.options;
    const install = { children, reporter, signal };
    const kwok = await installProgram(kwokProgram, install);
    const stages = await installProgram(kwokStagesProgram, install);
    reporter.step('Starting KWOK');
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    this.processes = new SideProcesses(stateDir, process.env, this.options);
    const config = join(stateDir, 'stages.yaml');
    const options = { program: stages, args: [], cwd: stateDir, env: process.env, signal };
    await writeFile(config, await runCommand(options));
    const issuer = await CertificateIssuer.open(authority, () => systemClock.wallMs());
    const user = 'kwok-controller';
    const certificate = await issuer.issueClient({ user, groups: ['system:masters'] });
    const kubeconfig = join(stateDir, 'kwok.kubeconfig');
    await writePrivate(kubeconfig, kubeconfigText(endpoint, user, certificate));
    this.argv = [kwok, ...kwokArgs({ config, kubeconfig })];
  }

  /** @throws HollowmarkError `cluster-unavailable` when the API server refuses. */
  private async createNode(name: string): Promise<void> {
    const { status, body } = await this.options.admin.request({
      method: 'POST',
      path: '/api/v1/nodes',
      kind: postNode,
      contentType: 'application/json',
      accept: 'application/json',
      body: Buffer.from(JSON.stringify(kwokNode(name))),
    });
    if (status === 201) return;
    throw new HollowmarkError(
      'cluster-unavailable',
      `the API server refuses node ${name} of KWOK (${status}): ${body.toString('utf8').slice(0, 500)}`,
    );
  }
}

/** KWOK's arguments. @param paths of its stages and its kubeconfig. */
export function kwokArgs(paths: { config: string; kubeconfig: string }): string[] {
  return [
    `--config=${paths.config}`,
    `--kubeconfig=${paths.kubeconfig}`,
    '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake',
    `--node-lease-duration-seconds=${leaseDurationSeconds}`,
    '--cidr=10.0.0.1/8',
    '--node-ip=127.0.0.1',
  ];
}

function kwokNode(name: string): Record<string, unknown> {
  const resources = { cpu: '32', memory: '256Gi', pods: '110' };
  return {
    metadata: {
      name,
      annotations: { 'kwok.x-k8s.io/node': 'fake', 'node.alpha.kubernetes.io/ttl': '0' },
      labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', type: 'kwok' },
    },
    status: { allocatable: resources, capacity: resources },
  };
}
