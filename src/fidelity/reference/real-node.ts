import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep, systemClock } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { kubeconfigText } from '../../control-plane/kubeconfig.ts';
import { writePrivate } from '../../control-plane/pki.ts';
import { choosePort } from '../../control-plane/ports.ts';
import { runCommand } from '../../control-plane/sources/run-command.ts';
import { CertificateIssuer } from '../../kube/certificates.ts';
import { installProgram } from '../peers/install-program.ts';
import { kubeletProgram, pauseProgram } from '../peers/programs.ts';
import type { NodeSide, SideOptions } from '../side.ts';
import { type OwnCgroup, kubeletCgroup } from './cgroups.ts';
import { type HostPrograms, requireHostPrograms } from './host-programs.ts';
import { writePauseImage, writeWorkImage } from './images.ts';
import { NodeNamespaces } from './namespaces.ts';
import {
  cniConfig,
  containerdConfig,
  containerdSocket,
  coveredFolders,
  kubeletArgs,
  kubeletConfig,
} from './node-config.ts';
import { kubeletName, nodesBecomeReady } from './node-readiness.ts';
import { SideProcesses } from './side-processes.ts';
import { startOrClear } from './start-or-clear.ts';

const containerdPollIntervalMs = 20;
const containerdLimitMs = 60_000;

/**
 * One real node: kubelet, containerd and runc with real containers. Needs root and some programs of the system; no image
 * registry. All of it runs in namespaces of its own but the kubelet's network, which is the machine's, so that it
 * reaches the API server.
 */
export class RealNode implements NodeSide {
  readonly kind = 'kubelet';
  private readonly options: SideOptions;
  private readonly nodeName: string;
  private processes: SideProcesses | undefined;
  private cgroup: OwnCgroup | undefined;
  /** The kubelet's argv, once it is known. */
  private kubelet: string[] = [];
  private stopping: Promise<void> | undefined;

  /** @throws HollowmarkError `bad-input` for another number of nodes than one, or with proxies. */
  constructor(options: SideOptions) {
    const [nodeName, ...others] = options.nodeNames;
    if (nodeName === undefined || others.length > 0 || options.proxies) {
      throw new HollowmarkError('bad-input', 'a machine can be one real node only, and without a proxy');
    }
    this.options = options;
    this.nodeName = nodeName;
  }

  start(): Promise<void> {
    const start = async (): Promise<void> => {
      await this.setUp();
      await this.startKubelet();
    };
    return startOrClear('a real node', this.options.signal, start, () => this.stop());
  }

  /** The containers run on, as on a machine whose kubelet dies. */
  async leave(): Promise<void> {
    await this.processes?.kill(kubeletName(this.nodeName));
  }

  async return(): Promise<void> {
    await this.startKubelet();
  }

  stop(): Promise<void> {
    this.stopping ??= this.clear();
    return this.stopping;
  }

  private async setUp(): Promise<void> {
    const { children, reporter, signal, stateDir, version } = this.options;
    const host = await requireHostPrograms();
    const install = { children, reporter, signal };
    const kubelet = await installProgram(kubeletProgram(version), install);
    const pause = await installProgram(pauseProgram, install);
    requireUncovered([stateDir, kubelet]);

    reporter.step('Starting a real node: kubelet, containerd and runc');
    const logDir = join(stateDir, 'logs');
    await mkdir(logDir, { recursive: true, mode: 0o700 });
    this.processes = new SideProcesses(logDir, host.env, this.options);
    this.cgroup = await kubeletCgroup(`hollowmark-${process.pid}-${this.nodeName}`);
    const namespaces = await NodeNamespaces.open(pause, stateDir, this.processes, { env: host.env, signal });
    await this.startContainerd(namespaces, host);
    await this.importImages(namespaces, host, pause);
    const config = await this.writeKubeletFiles(this.cgroup.path);
    this.kubelet = [...namespaces.enter(), kubelet, ...kubeletArgs(this.nodeName, config)];
  }

  private async startContainerd(namespaces: NodeNamespaces, { cniDir }: HostPrograms): Promise<void> {
    const { signal, stateDir } = this.options;
    const confDir = join(stateDir, 'cni');
    await mkdir(confDir);
    await writeFile(join(confDir, '10-hollowmark.conflist'), JSON.stringify(cniConfig));
    const config = join(stateDir, 'containerd.toml');
    await writeFile(config, containerdConfig({ binDir: cniDir, confDir }));
    const enter = namespaces.enter({ net: true });
    await this.processes?.start('containerd', [...enter, 'containerd', '--config', config]);
    const socket = join(stateDir, containerdSocket);
    const deadlineUs = systemClock.nowUs() + containerdLimitMs * 1000;
    while (!(await isThere(socket))) {
      await this.processes?.requireAll();
      if (systemClock.nowUs() >= deadlineUs) {
        const words = (await this.processes?.lastWords('containerd')) ?? '';
        throw new HollowmarkError(
          'cluster-unavailable',
          `containerd does not listen after ${containerdLimitMs / 1000} s; its last log lines:\n${words}`,
        );
      }
      await sleep(systemClock, containerdPollIntervalMs, signal);
    }
  }

  private async importImages(namespaces: NodeNamespaces, host: HostPrograms, pause: string): Promise<void> {
    const { signal, stateDir } = this.options;
    const options = { env: host.env, signal };
    const dir = join(stateDir, 'images');
    await mkdir(dir);
    const files = [
      await writePauseImage(dir, pause, options),
      await writeWorkImage(dir, host.busybox, options),
    ];
    const [program = '', ...args] = namespaces.enter();
    const ctr = ['ctr', '--namespace', 'k8s.io', 'images', 'import', '--snapshotter', 'native'];
    for (const file of files) {
      await runCommand({ program, args: [...args, ...ctr, file], cwd: stateDir, ...options });
    }
    await rm(dir, { recursive: true });
  }

  private async writeKubeletFiles(cgroupRoot: string): Promise<{ config: string; kubeconfig: string }> {
    const { authority, endpoint, stateDir } = this.options;
    const issuer = await CertificateIssuer.open(authority, () => systemClock.wallMs());
    const user = `system:node:${this.nodeName}`;
    const certificate = await issuer.issueClient({ user, groups: ['system:nodes'] });
    const kubeconfig = join(stateDir, 'kubelet.kubeconfig');
    await writePrivate(kubeconfig, kubeconfigText(endpoint, user, certificate));
    const resolvConf = join(stateDir, 'resolv.conf');
    await writeFile(resolvConf, 'nameserver 127.0.0.1\n');
    const config = join(stateDir, 'kubelet.json');
    const port = await choosePort(new Set());
    await writeFile(config, JSON.stringify(kubeletConfig({ cgroupRoot, port, resolvConf })));
    return { config, kubeconfig };
  }

  private async startKubelet(): Promise<void> {
    const { processes } = this;
    if (processes === undefined) throw new HollowmarkError('internal', 'the real node was not set up');
    const startWallMs = systemClock.wallMs();
    await processes.start(kubeletName(this.nodeName), this.kubelet);
    await nodesBecomeReady(this.options, processes, startWallMs, systemClock);
  }

  private async clear(): Promise<void> {
    const { reporter, stateDir } = this.options;
    await this.processes?.killAll();
    const isGone = (await this.cgroup?.remove()) ?? true;
    if (!isGone) reporter.warn(`The cgroup ${this.cgroup?.path} of the real node could not be removed`);
    await rm(stateDir, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

/** @throws HollowmarkError `bad-input` for a path that a real node would not see. */
function requireUncovered(paths: readonly string[]): void {
  for (const path of paths) {
    const cover = coveredFolders.find((folder) => path.startsWith(`${folder}/`));
    if (cover === undefined) continue;
    throw new HollowmarkError('bad-input', `a real node has its own ${cover} and would not find ${path}`, {
      hint: 'name folders elsewhere: TMPDIR=DIR for temporary files, HOLLOWMARK_CACHE=DIR for the cache',
    });
  }
}
