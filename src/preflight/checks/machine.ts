import { bytesText } from '../../base/bytes.ts';
import { isOlder } from '../../base/versions.ts';
import type { Check, Size } from '../check.ts';
import {
  cpuLimits,
  idleShare,
  memoryNeededBytes,
  nodesInMemory,
  nodesOnCores,
  podsPerSecond,
  startSeconds,
  threadsNeeded,
} from '../costs.ts';
import type { MachineFacts } from '../facts/facts.ts';
import { countOf, countText, percentText } from '../words.ts';
import { asRoot } from './commands.ts';

/** Kubernetes v1.36 is younger than this: a clock that shows less is wrong, and TLS certificates fail with it. */
const earliestWallMs = Date.UTC(2026, 0, 1);

/** Reading these takes a system call and a microsecond or more, and every timestamp is a reading. */
const slowClockSources = ['hpet', 'acpi_pm', 'jiffies', 'refined-jiffies', 'pit'];

export function checkNode({ node }: MachineFacts): Check {
  const check = { id: 'node', title: 'Node.js' };
  if (!isOlder(node.version, node.needed)) return { ...check, verdict: 'ok', finding: `v${node.version}` };
  return {
    ...check,
    verdict: 'fail',
    finding: `v${node.version}, and ${node.needed} or newer is needed`,
    fix: `install Node.js ${node.needed} or newer from https://nodejs.org`,
  };
}

export function checkCpu(facts: MachineFacts, size: Size): Check {
  const { cores: all, quotaCores, busyShare, loadPerCore, stealShare } = facts.cpu;
  const cores = Math.min(all, quotaCores ?? all);
  const nodesMax = nodesOnCores(cores, size);
  const check = { id: 'cpu', title: 'CPU' };
  const quota =
    cores < all ? `${oneDigit(cores)} of ${countOf(all, 'core')} (cgroup quota)` : countOf(all, 'core');
  const has = busyShare === undefined ? quota : `${quota}, ${percentText(busyShare)} busy`;
  const warn = (reason: string, fix: string): Check => ({
    ...check,
    verdict: 'warn',
    finding: `${has}; ${reason}`,
    nodesMax,
    fix,
  });
  if (size.nodes > nodesMax) {
    const share = percentText(idleShare(cores, size));
    return warn(
      `${countOf(size.nodes, 'idle node')} alone take ${share}: figures will be those of a full machine`,
      'fewer nodes (--nodes), or a machine with more cores',
    );
  }
  if (stealShare !== undefined && stealShare > cpuLimits.stealShareMax) {
    return warn(
      `${percentText(stealShare)} taken by the hypervisor: above ${percentText(cpuLimits.stealShareMax)} a run is invalid`,
      'a machine that shares its cores with nobody',
    );
  }
  const end = `top -o ${facts.platform === 'darwin' ? 'cpu' : '%CPU'}   # and end what is not needed`;
  if (busyShare !== undefined && busyShare > cpuLimits.busyShareMax)
    return warn('a run is likely to be invalid', end);
  if (busyShare === undefined && loadPerCore !== undefined && loadPerCore > cpuLimits.loadPerCoreMax) {
    return warn(
      `the load of the last minute was ${oneDigit(loadPerCore * all)}: if that goes on, a run is likely to be invalid`,
      end,
    );
  }
  const seconds = Math.ceil(startSeconds(cores, size));
  const rate = Math.floor(podsPerSecond(cores, size));
  return {
    ...check,
    verdict: 'ok',
    finding: `${has}; nodes Ready in about ${seconds} s, up to ${rate} pods/s`,
    nodesMax,
  };
}

function oneDigit(value: number): string {
  return String(Number(value.toFixed(1)));
}

export function checkMemory({ memory, state }: MachineFacts, size: Size): Check {
  const { totalBytes, availableBytes, cgroupLimitBytes, cgroupAvailableBytes } = memory;
  const check = { id: 'memory', title: 'Memory' };
  const known = [availableBytes, cgroupAvailableBytes, cgroupLimitBytes].filter(
    (bytes) => bytes !== undefined,
  );
  const total = Math.min(totalBytes, cgroupLimitBytes ?? totalBytes);
  const limited = total < totalBytes ? ' (cgroup limit)' : '';
  if (known.length === 0) {
    const finding = `${bytesText(total)} in all; how much of it is free is not known`;
    return { ...check, verdict: 'unknown', finding, nodesMax: nodesInMemory(total, size, state.inMemory) };
  }
  const available = Math.min(total, ...known);
  const needed = memoryNeededBytes(size, state.inMemory);
  const nodesMax = nodesInMemory(available, size, state.inMemory);
  const finding = `${bytesText(available)} available of ${bytesText(total)}${limited}; about ${bytesText(needed)} needed`;
  if (needed <= available) return { ...check, verdict: 'ok', finding, nodesMax };
  const inMemory = state.inMemory ? `, ${state.path} included, which lies in memory` : '';
  return {
    ...check,
    verdict: 'warn',
    finding: `${finding}${inMemory}: the kernel would kill processes`,
    nodesMax,
    fix:
      limited === ''
        ? 'fewer nodes or pods (--nodes), or end what else uses memory'
        : 'fewer nodes or pods (--nodes), or a higher memory limit of the container',
  };
}

export function checkThreads(facts: MachineFacts): Check {
  const { cgroupMax, cgroupNow, userMax } = facts.threads;
  const check = { id: 'threads', title: 'Threads' };
  const inCgroup = cgroupMax === undefined ? undefined : cgroupMax - (cgroupNow ?? 0);
  const ofUser = facts.isRoot ? Number.POSITIVE_INFINITY : userMax;
  if (inCgroup === undefined && ofUser === undefined) {
    return { ...check, verdict: 'unknown', finding: 'this machine does not tell how many are allowed' };
  }
  const allowed = Math.min(inCgroup ?? Number.POSITIVE_INFINITY, ofUser ?? Number.POSITIVE_INFINITY);
  const needed = threadsNeeded(facts.cpu.cores);
  if (allowed === Number.POSITIVE_INFINITY) return { ...check, verdict: 'ok', finding: 'no limit' };
  const byCgroup = inCgroup === allowed;
  const finding = `${countText(allowed)} ${byCgroup ? 'left in the cgroup (pids.max)' : 'for this user'}; about ${needed} are needed`;
  if (allowed >= needed) return { ...check, verdict: 'ok', finding };
  return {
    ...check,
    verdict: 'fail',
    finding,
    fix: byCgroup
      ? 'docker run --pids-limit=-1 …   # or TasksMax=infinity of the systemd unit'
      : 'ulimit -u 4096',
  };
}

export function checkClock(facts: MachineFacts): Check {
  const { wallMs, source, sources, synchronised } = facts.clock;
  const check = { id: 'clock', title: 'Clock' };
  const said = [
    source,
    synchronised === undefined ? undefined : synchronised ? 'synchronised' : 'not synchronised',
  ];
  const finding = said.filter((part) => part !== undefined).join(', ');
  if (wallMs < earliestWallMs) {
    return {
      ...check,
      verdict: 'warn',
      finding: `it shows ${new Date(wallMs).toISOString().slice(0, 10)}: downloads fail and reports have wrong dates`,
      fix: `${asRoot(facts, 'timedatectl set-ntp true')}   # or date --set`,
    };
  }
  if (source !== undefined && slowClockSources.includes(source)) {
    const better = sources.find((name) => !slowClockSources.includes(name));
    return {
      ...check,
      verdict: 'warn',
      finding: `${finding}: slow to read, which shows in every latency`,
      ...(better === undefined
        ? {}
        : {
            fix: `echo ${better} | ${asRoot(facts, 'tee /sys/devices/system/clocksource/clocksource0/current_clocksource')}`,
          }),
    };
  }
  if (synchronised === false) {
    return {
      ...check,
      verdict: 'warn',
      finding: `${finding}: times in reports may be wrong, latencies are not`,
      fix: asRoot(facts, 'timedatectl set-ntp true'),
    };
  }
  if (finding === '') return { ...check, verdict: 'ok', finding: 'plausible; no more is known' };
  return { ...check, verdict: 'ok', finding };
}

export function checkSandbox({ platform, procfs, reniceFault, niceness }: MachineFacts): Check {
  const check = { id: 'processes', title: 'Processes' };
  if (!procfs) {
    return {
      ...check,
      verdict: 'warn',
      finding: 'CPU and memory of processes cannot be read: reports lack them and their validity checks',
      fix: platform === 'linux' ? 'mount -t proc proc /proc   # as root' : 'run on Linux',
    };
  }
  if (reniceFault !== undefined) {
    return {
      ...check,
      verdict: 'warn',
      finding: `priorities cannot be set (${reniceFault}): the control plane may delay what measures it`,
      fix: 'allow setpriority in the sandbox, or use a machine with more cores',
    };
  }
  if (niceness.session !== undefined && niceness.session > 0) {
    return {
      ...check,
      verdict: 'warn',
      finding: `all that this session starts comes last (niceness ${niceness.session}): what else runs here starves it`,
      fix: 'echo 0 > /proc/self/autogroup',
    };
  }
  if (niceness.process > 0) {
    return {
      ...check,
      verdict: 'warn',
      finding: `started with niceness ${niceness.process}: what else runs here starves it`,
      fix: 'start it without nice, from a shell that was started without',
    };
  }
  return { ...check, verdict: 'ok', finding: 'CPU and memory can be read, priorities set' };
}
