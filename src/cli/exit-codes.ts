import type { ErrorCode } from '../base/errors.ts';
import type { RunVerdict } from '../result/result.ts';

/** What the process's exit code says; documented in the README and in `--help`. */
export const exitCodes = {
  pass: 0,
  internal: 1,
  badInput: 2,
  missed: 3,
  regression: 4,
  invalid: 5,
  cluster: 6,
  interrupted: 130,
  terminated: 143,
} as const;

export const exitCodeHelp = [
  'Exit codes: 0 pass, 1 internal error, 2 bad input, 3 an SLO or fidelity criterion was missed, 4 regression,',
  '5 run invalid or inconclusive, 6 cluster not reachable or lost, 130 interrupted (143 by SIGTERM). 4 comes before 3 and 5.',
].join('\n');

export function exitCodeOfVerdict(verdict: RunVerdict, interruptedBy: number): number {
  switch (verdict) {
    case 'pass':
      return exitCodes.pass;
    case 'fail':
      return exitCodes.missed;
    case 'invalid':
    case 'inconclusive':
      return exitCodes.invalid;
    case 'interrupted':
      return interruptedBy;
  }
}

/** What a regression comes before. After all else (interrupted, lost, our own fault) there was no gate, or nobody waits for it. */
const behindRegression: readonly number[] = [exitCodes.pass, exitCodes.missed, exitCodes.invalid];

/** Of a run and the gate after it: a regression is said whatever else the run missed; else what the run says comes first. */
export function worseOf(ofRun: number, ofGate: number): number {
  if (ofGate === exitCodes.regression && behindRegression.includes(ofRun)) return ofGate;
  return ofRun === exitCodes.pass ? ofGate : ofRun;
}

export function exitCodeOfError(code: ErrorCode, interruptedBy: number): number {
  switch (code) {
    case 'bad-input':
      return exitCodes.badInput;
    case 'cluster-unavailable':
      return exitCodes.cluster;
    case 'interrupted':
      return interruptedBy;
    case 'internal':
      return exitCodes.internal;
  }
}
