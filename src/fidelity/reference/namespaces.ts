import { mkdir, readlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { systemClock, sleep } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { runCommand } from '../../control-plane/sources/run-command.ts';
import { coveredFolders, kubeletSysctls } from './node-config.ts';
import type { SideProcesses } from './side-processes.ts';

const pollIntervalMs = 10;
const openLimitMs = 10_000;

/** Makes what the arguments say: pairs of a file or folder of our own and the place that it covers. */
const coverScript = `
set -eu
mount -t proc proc /proc
while [ $# -gt 0 ]; do
  mount --bind "$1" "$2"
  shift 2
done
`;

/**
 * Mount, process and network namespaces of one node. They end with their first process, and with them all processes,
 * mounts and interfaces in them, whoever made them.
 */
export class NodeNamespaces {
  private readonly dir: string;

  private constructor(pid: number) {
    this.dir = `/proc/${pid}/ns`;
  }

  /**
   * Opens the namespaces, in which {@link coveredFolders} are folders of `stateDir`.
   * @param pause path of the program that is their first process.
   * @throws HollowmarkError `cluster-unavailable` when the kernel refuses; Error of mount(8).
   */
  static async open(
    pause: string,
    stateDir: string,
    processes: SideProcesses,
    options: { env: NodeJS.ProcessEnv; signal: AbortSignal },
  ): Promise<NodeNamespaces> {
    const pid = await processes.start('namespaces', [
      'unshare',
      '--fork',
      '--kill-child',
      '--mount',
      '--pid',
      '--net',
      pause,
    ]);
    const namespaces = new NodeNamespaces(pid);
    await namespaces.opened(processes, options.signal);
    const [program = '', ...args] = namespaces.enter();
    await runCommand({
      program,
      args: [...args, 'sh', '-c', coverScript, 'cover', ...(await makeCovers(stateDir))],
      cwd: stateDir,
      ...options,
    });
    return namespaces;
  }

  /** What stands before a command that is to run in there. @param net also in the network namespace. */
  enter({ net = false } = {}): string[] {
    const { dir } = this;
    return [
      'nsenter',
      `--mount=${dir}/mnt`,
      `--pid=${dir}/pid_for_children`,
      ...(net ? [`--net=${dir}/net`] : []),
    ];
  }

  /** unshare(1) says nothing when it is ready, but then its children have a process namespace of their own. */
  private async opened(processes: SideProcesses, signal: AbortSignal): Promise<void> {
    const own = await readlink('/proc/self/ns/pid');
    const deadlineUs = systemClock.nowUs() + openLimitMs * 1000;
    for (;;) {
      // Not there before the first process in it is.
      const theirs = await readlink(`${this.dir}/pid_for_children`).catch(() => own);
      if (theirs !== own) return;
      await processes.requireAll();
      if (systemClock.nowUs() >= deadlineUs) {
        throw new HollowmarkError('cluster-unavailable', 'no namespaces for a real node: unshare(1) hangs');
      }
      await sleep(systemClock, pollIntervalMs, signal);
    }
  }
}

/** Pairs for {@link coverScript}. */
async function makeCovers(stateDir: string): Promise<string[]> {
  const pairs: string[] = [];
  for (const folder of coveredFolders) {
    const own = join(stateDir, folder);
    await mkdir(own, { recursive: true });
    pairs.push(own, folder);
  }
  const sysctlDir = join(stateDir, 'sysctl');
  await mkdir(sysctlDir);
  for (const [path, value] of Object.entries(kubeletSysctls)) {
    const own = join(sysctlDir, basename(path));
    await writeFile(own, `${value}\n`);
    pairs.push(own, path);
  }
  return pairs;
}
