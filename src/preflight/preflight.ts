import { type Clock, systemClock } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import type { Reporter } from '../base/reporter.ts';
import type { BinariesOptions } from '../control-plane/control-plane.ts';
import type { Check, Size } from './check.ts';
import { checkCache, checkReports, checkState } from './checks/folders.ts';
import {
  checkClock,
  checkCpu,
  checkMemory,
  checkNode,
  checkSandbox,
  checkThreads,
} from './checks/machine.ts';
import { checkOpenFiles, checkPorts } from './checks/sockets.ts';
import { checkBinaries, checkBrowser, checkGo, checkRelease } from './checks/tools.ts';
import type { MachineFacts, ToolFacts } from './facts/facts.ts';
import { type MachineOptions, readMachineFacts } from './facts/machine.ts';
import { readSynchronised, readToolFacts } from './facts/tools.ts';

export type PreflightOptions = Size & {
  stateDir: string;
  /** Undefined where no report is written. */
  reportDir: string | undefined;
  clock?: Clock;
};

/**
 * What a run of this size would lack on this machine. Cheap: some milliseconds, or half a second on a machine that has been busy;
 * no commands, no network.
 */
export async function preflight(options: PreflightOptions): Promise<Check[]> {
  const facts = await readMachineFacts({
    ...options,
    clock: options.clock ?? systemClock,
    sampleCpu: 'when-loaded',
  });
  return judgeMachine(facts, options);
}

/**
 * Runs {@link preflight} for a command that is about to start nodes, and tells the reporter of each warning.
 * @throws HollowmarkError `bad-input` with the first finding that makes the run impossible.
 */
export async function requirePreflight(options: PreflightOptions & { reporter: Reporter }): Promise<void> {
  const checks = await preflight(options);
  const failed = checks.find(({ verdict }) => verdict === 'fail');
  if (failed !== undefined) {
    const fix = failed.fix === undefined ? [] : [failed.fix];
    throw new HollowmarkError('bad-input', `${failed.title}: ${failed.finding}`, {
      hint: [...fix, 'or see `npx hollowmark doctor`; --skip-preflight goes ahead all the same'].join('\n  '),
    });
  }
  for (const { title, verdict, finding } of checks) {
    if (verdict === 'warn') options.reporter.warn(`${title}: ${finding}`);
  }
}

/** All that `doctor` looks at. Takes a second or two. @throws HollowmarkError `bad-input` as `locateBinaries` does. */
export async function examine(
  size: Size,
  machine: Omit<MachineOptions, 'sampleCpu'>,
  binaries: BinariesOptions,
): Promise<Check[]> {
  // One after the other: the commands would show in the CPU that is watched first.
  const facts = await readMachineFacts({ ...machine, sampleCpu: 'always' });
  facts.clock.synchronised ??= await readSynchronised(binaries.signal);
  return judgeAll(facts, await readToolFacts(binaries, machine.root), size);
}

/** The checks that `run` makes, in order. Pure. */
export function judgeMachine(facts: MachineFacts, size: Size): Check[] {
  return [
    checkNode(facts),
    checkCpu(facts, size),
    checkMemory(facts, size),
    checkOpenFiles(facts, size),
    checkPorts(facts, size),
    checkThreads(facts),
    ...(size.ownControlPlane ? [checkState(facts, size)] : []),
    ...(facts.reports === undefined ? [] : [checkReports(facts.reports)]),
    checkClock(facts),
    checkSandbox(facts),
  ];
}

/** All checks, in order. Pure. */
export function judgeAll(facts: MachineFacts, tools: ToolFacts, size: Size): Check[] {
  const release = checkRelease(tools);
  return [
    ...judgeMachine(facts, size),
    checkCache(tools.cache, !('found' in tools.binaries)),
    checkBinaries(tools),
    ...(release === undefined ? [] : [release]),
    checkGo(tools, facts),
    checkBrowser(tools, facts),
  ];
}
