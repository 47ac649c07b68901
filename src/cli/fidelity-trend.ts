import { join, resolve } from 'node:path';
import { systemClock } from '../base/clock.ts';
import type { Reference } from '../fidelity/references.ts';
import type { TrendVerdict } from '../fidelity/trend/compare-trends.ts';
import type { DensityPlan } from '../fidelity/trend/density.ts';
import type { Step } from '../fidelity/trend/step.ts';
import { renderTrendMarkdown } from '../fidelity/trend/trend-markdown.ts';
import { type Trend, type TrendOptions, compareTrend } from '../fidelity/trend/trend.ts';
import { writeFileAtomically } from '../result/atomic-file.ts';
import { claimFolder } from './claim-folder.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { inSession } from './session.ts';
import { fileLink, terminalOf } from './terminal.ts';
import { renderTrend } from './trend-table.ts';

export type TrendRequest = {
  against: Reference;
  runtime: TrendOptions['runtime'];
  plan: DensityPlan;
  steps: readonly Step[];
  repeats: number;
  binaries: TrendOptions['binaries'];
  out: string | undefined;
  quiet: boolean;
  json: boolean;
};

const exitCodeOf: Record<TrendVerdict, number> = {
  same: exitCodes.pass,
  differs: exitCodes.missed,
  inconclusive: exitCodes.invalid,
};

/** `fidelity --trend`. @returns the exit code. */
export function fidelityTrend(request: TrendRequest, context: CommandContext): Promise<number> {
  const { against, quiet, json } = request;
  const name = `fidelity-trend-${against}`;
  return inSession(context, { name, quiet, json, onSignal: 'stopping' }, async (session) => {
    const { journal, display, interruption, runId } = session;
    const out = resolve(request.out ?? join('reports', runId));
    claimFolder(out, journal);
    const trend = await compareTrend({
      ...request,
      stateDir: journal.dir,
      children: journal,
      clock: systemClock,
      reporter: display,
      signal: interruption.signal,
      onRepeat: (soFar) => {
        writeFileAtomically(join(out, 'trend.json'), `${JSON.stringify(soFar, undefined, 2)}\n`);
        writeFileAtomically(join(out, 'trend.md'), renderTrendMarkdown(soFar));
      },
    });
    display.close();
    announce(request, trend, out, runId);
    return exitCodeOf[trend.verdict];
  });
}

function announce({ json }: TrendRequest, trend: Trend, out: string, id: string): void {
  const page = join(out, 'trend.md');
  if (json) {
    const { against, version, verdict, steps, rows } = trend;
    const line = {
      type: 'fidelity-trend',
      id,
      against,
      version,
      verdict,
      steps,
      rows,
      result: join(out, 'trend.json'),
      table: page,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const terminal = terminalOf(process.stdout);
  process.stdout.write(`${renderTrend(trend, terminal).join('\n')}\ntable: ${fileLink(page, terminal)}\n`);
}
