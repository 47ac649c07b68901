import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Clock, systemClock } from '../base/clock.ts';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { makeFolders } from '../base/folders.ts';
import { buildArgv } from './argv/argv.ts';
import { type ControlPlaneConfig, type KubeconfigPaths, loopback } from './argv/config.ts';
import { type ChildRegister, Guardian } from '../journal/guardian.ts';
import type { ControlPlane, ControlPlaneOptions } from './control-plane.ts';
import { diskFull, freeBytes, freeBytesToStartMin } from './disk-space.ts';
import { kubeconfigText } from './kubeconfig.ts';
import { LocalControlPlane } from './local-control-plane.ts';
import { type Pki, createPki, writePki, writePrivate } from './pki.ts';
import { choosePorts } from './ports.ts';
import type { BinarySet } from './sources/binary-set.ts';
import { findBinaries } from './sources/find-binaries.ts';

/** Starts before one gives up because somebody else took a port between its choice and its use. */
const attemptsMax = 3;

/**
 * Starts etcd, kube-apiserver, kube-controller-manager and kube-scheduler and waits until all are ready: about
 * 3 s on two cores once the binaries are in the cache. Before that, they are fetched or built.
 * @throws HollowmarkError `bad-input` for a version, folder or state folder that cannot be used,
 * `cluster-unavailable` when there are no binaries or a component does not become ready (its last log lines are in
 * the message), `interrupted` when the signal aborts. Nothing is left behind in any of these cases.
 */
export async function startControlPlane(given: ControlPlaneOptions): Promise<ControlPlane> {
  // The components run in that folder, so a relative path would mean another one to them.
  const options = { ...given, stateDir: resolve(given.stateDir) };
  const clock = options.clock ?? systemClock;
  const binaries = await findBinaries(options);
  options.reporter.step(`Starting the control plane ${binaries.version} (${binaries.source})`);
  await claimStateDir(options.stateDir);
  // Before there is a key or a process.
  const keeper = keeperFor(options);
  try {
    const pki = await createPki(() => clock.wallMs());
    for (let attempt = 1; ; attempt++) {
      const controlPlane = await prepare(options, binaries, pki, clock, keeper);
      try {
        await controlPlane.start(options.signal);
        return controlPlane;
      } catch (error) {
        const retry = attempt < attemptsMax && (await controlPlane.portWasTaken());
        await controlPlane.clear();
        if (!retry) throw asHollowmarkError(error, options.signal);
        options.reporter.warn('Another program took a port of the control plane; starting again with others');
        await mkdir(options.stateDir, { mode: 0o700 });
      }
    }
  } catch (error) {
    await rm(options.stateDir, { recursive: true, force: true });
    await keeper.onStopped();
    throw error;
  }
}

/** Who sees to it that no process outlives this one, and what lets them go when all is gone. */
type Keeper = { children: ChildRegister; onStopped: () => Promise<void> };

function keeperFor({ children, stateDir }: ControlPlaneOptions): Keeper {
  if (children !== undefined) return { children, onStopped: () => Promise.resolve() };
  const guardian = new Guardian(stateDir);
  return { children: guardian, onStopped: () => guardian.release() };
}

/** Writes PKI and kubeconfigs for ports of its own into an empty state folder. */
async function prepare(
  options: ControlPlaneOptions,
  binaries: BinarySet,
  pki: Pki,
  clock: Clock,
  keeper: Keeper,
): Promise<LocalControlPlane> {
  const { stateDir } = options;
  const logDir = join(stateDir, 'logs');
  const ports = await choosePorts();
  const url = `https://${loopback}:${ports['kube-apiserver']}`;
  const endpoint = { url, caPem: pki.clusterCa.certPem };
  const pkiPaths = await writePki(pki, join(stateDir, 'pki'));
  const kubeconfigs: KubeconfigPaths = {
    admin: join(stateDir, 'admin.kubeconfig'),
    'kube-controller-manager': join(stateDir, 'kube-controller-manager.kubeconfig'),
    'kube-scheduler': join(stateDir, 'kube-scheduler.kubeconfig'),
  };
  const users = {
    admin: pki.admin,
    'kube-controller-manager': pki.controllerManager,
    'kube-scheduler': pki.scheduler,
  };
  for (const name of ['admin', 'kube-controller-manager', 'kube-scheduler'] as const) {
    await writePrivate(kubeconfigs[name], kubeconfigText(endpoint, name, users[name]));
  }
  await mkdir(logDir, { mode: 0o700 });
  const config: ControlPlaneConfig = {
    profile: options.profile,
    etcdDataDir: join(stateDir, 'etcd'),
    flexVolumeDir: join(stateDir, 'flexvolume'),
    pki: pkiPaths,
    kubeconfigs,
    ports,
    etcdViaPort: await options.etcdVia?.(ports.etcd),
    extraFlags: options.extraFlags,
  };
  const argv = buildArgv(config, binaries.command);
  // For whoever looks into the folder after a failure: what was started, ready to be pasted.
  await writeFile(join(stateDir, 'argv.json'), `${JSON.stringify(argv, undefined, 2)}\n`);
  return new LocalControlPlane({
    config,
    niceness: options.niceness ?? 0,
    argv,
    binaries,
    pki,
    endpoint,
    stateDir,
    logDir,
    clock,
    ...keeper,
  });
}

/**
 * @throws `bad-input` when the folder cannot be made, or holds something (`stop` removes it with all that is in it),
 * `cluster-unavailable` when its disk is full.
 */
async function claimStateDir(stateDir: string): Promise<void> {
  const parent = dirname(stateDir);
  try {
    makeFolders(parent);
    const free = await freeBytes(parent);
    if (free < freeBytesToStartMin) throw diskFull(parent, free, freeBytesToStartMin);
    await mkdir(stateDir, { mode: 0o700 });
  } catch (error) {
    if (error instanceof HollowmarkError) throw error;
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(stateDir)) {
      throw new HollowmarkError(
        'bad-input',
        `the state folder ${stateDir} cannot be made: ${errorMessage(error)}`,
        { hint: 'name a folder for temporary files that you may write to: TMPDIR=DIR', cause: error },
      );
    }
    if ((await readdir(stateDir)).length > 0) {
      throw new HollowmarkError('bad-input', `the state folder ${stateDir} is not empty`, {
        hint: 'name a folder that is not there yet: it is removed after the run',
        cause: error,
      });
    }
    await chmod(stateDir, 0o700);
  }
}

function asHollowmarkError(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof HollowmarkError || !signal.aborted) return error;
  return new HollowmarkError('interrupted', 'the start of the control plane was interrupted', {
    cause: error,
  });
}
