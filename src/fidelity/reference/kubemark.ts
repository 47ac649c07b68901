import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { kubeconfigText } from '../../control-plane/kubeconfig.ts';
import { writePrivate } from '../../control-plane/pki.ts';
import { choosePort } from '../../control-plane/ports.ts';
import { CertificateIssuer } from '../../kube/certificates.ts';
import type { ClientSubject } from '../../kube/identity.ts';
import { installProgram } from '../peers/install-program.ts';
import { kubemarkProgram } from '../peers/programs.ts';
import { requireLinux, systemEnvironment } from './host-programs.ts';
import { kubeletName, nodesBecomeReady } from './node-readiness.ts';
import { ProcessNodes } from './process-nodes.ts';
import { SideProcesses } from './side-processes.ts';
import { startOrClear } from './start-or-clear.ts';

/**
 * Runs the program that is the first argument in the current folder, with a /tmp of its own in there: kubemark names
 * its sockets so, and leaves them. The program is opened before, as it may lie in the /tmp that is covered.
 */
const script = `
set -eu
exec 3< "$1"
shift
mount --bind tmp /tmp
export TMPDIR=/tmp
exec /proc/self/fd/3 "$@"
`;

type Morph = 'kubelet' | 'proxy';

/** One process. */
type Member = { name: string; argv: string[] };

/** Kubemark's hollow nodes: for each a process that is its kubelet, and one that is its proxy. */
export class KubemarkNodes extends ProcessNodes {
  readonly kind = 'kubemark';
  private members: Member[] = [];

  start(): Promise<void> {
    const start = async (): Promise<void> => {
      await this.setUp();
      await this.startAll();
    };
    return startOrClear('kubemark', this.options.signal, start, () => this.stop());
  }

  async return(): Promise<void> {
    await this.startAll();
  }

  private async setUp(): Promise<void> {
    const { authority, children, endpoint, nodeNames, proxies, reporter, signal, stateDir, version } =
      this.options;
    requireLinux('kubemark');
    const program = await installProgram(kubemarkProgram(version), { children, reporter, signal });
    reporter.step(`Starting ${nodeNames.length} nodes of kubemark${proxies ? ' with proxies' : ''}`);
    const logDir = join(stateDir, 'logs');
    await mkdir(logDir, { recursive: true, mode: 0o700 });
    this.processes = new SideProcesses(logDir, systemEnvironment(process.env), this.options);

    const issuer = await CertificateIssuer.open(authority, () => systemClock.wallMs());
    const ports = new Set<number>();
    const add = async (morph: Morph, nodeName: string, subject: ClientSubject): Promise<void> => {
      const name = morph === 'kubelet' ? kubeletName(nodeName) : `proxy-${nodeName}`;
      const dir = join(stateDir, name);
      await mkdir(join(dir, 'tmp'), { recursive: true });
      const certificate = await issuer.issueClient(subject);
      await writePrivate(join(dir, 'kubeconfig'), kubeconfigText(endpoint, subject.user, certificate));
      const port = await choosePort(ports);
      ports.add(port);
      const args = kubemarkArgs(morph, nodeName, { kubeconfig: 'kubeconfig', port });
      this.members.push({ name, argv: inOwnMounts(dir, [program, ...args]) });
    };
    for (const name of nodeNames) {
      await add('kubelet', name, { user: `system:node:${name}`, groups: ['system:nodes'] });
      if (proxies) await add('proxy', name, { user: 'system:kube-proxy', groups: [] });
    }
  }

  private async startAll(): Promise<void> {
    const { processes } = this;
    if (processes === undefined) throw new HollowmarkError('internal', 'kubemark was not set up');
    const startWallMs = systemClock.wallMs();
    for (const { name, argv } of this.members) {
      this.options.signal.throwIfAborted();
      await processes.start(name, argv);
    }
    await nodesBecomeReady(this.options, processes, startWallMs, systemClock);
  }
}

/** Kubemark's arguments. @param place a kubeconfig and, for a kubelet, its port on all addresses. */
export function kubemarkArgs(
  morph: Morph,
  nodeName: string,
  place: { kubeconfig: string; port: number },
): string[] {
  const kubelet = [
    '--use-host-image-service=false',
    `--kubelet-port=${place.port}`,
    '--kubelet-read-only-port=0',
  ];
  return [
    `--morph=${morph}`,
    `--name=${nodeName}`,
    `--kubeconfig=${place.kubeconfig}`,
    ...(morph === 'kubelet' ? kubelet : []),
  ];
}

/** Who is not root may make mounts as the root of a user namespace. */
function inOwnMounts(dir: string, argv: readonly string[]): string[] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return ['unshare', ...user, '--mount', `--wd=${dir}`, 'sh', '-c', script, 'kubemark', ...argv];
}
