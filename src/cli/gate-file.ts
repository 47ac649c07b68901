import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { GateOutcome } from '../gate/gate.ts';
import { gateFileName, readOutcome } from '../gate/read-outcome.ts';
import { renderHtml } from '../report/html/render-html.ts';
import type { JudgedGate } from '../report/judged-gate.ts';
import { writeFileAtomically } from '../result/atomic-file.ts';
import { readResult } from '../result/read.ts';
import { resultFileName } from '../result/result.ts';
import { countsText, ruleCases, summaryLines } from './gate-table.ts';

/** Writes what a gate has said into folders, most often beside the results that it has judged. */
export function writeOutcome(outcome: GateOutcome, folders: Iterable<string>): void {
  const text = textOf(outcome);
  for (const folder of new Set(folders)) writeFileAtomically(join(folder, gateFileName), text);
}

/**
 * Has the pages say what a gate found of their runs: those that were written before it judged.
 * @param folders of runs; one without a page gets none, and the page of a run that was not judged stays as it is.
 */
export function updatePages(outcome: GateOutcome, folders: Iterable<string>): void {
  const gate = judgedGateOf(outcome, textOf(outcome));
  for (const folder of new Set(folders)) {
    const page = join(folder, 'report.html');
    if (!existsSync(page) || !existsSync(join(folder, resultFileName))) continue;
    const result = readResult(folder);
    if (isOf(outcome, result.run.id)) writeFileAtomically(page, renderHtml(result, gate));
  }
}

const isOf = ({ candidate }: GateOutcome, runId: string): boolean => candidate.some(({ id }) => id === runId);

const textOf = (outcome: GateOutcome): string => `${JSON.stringify(outcome, undefined, 2)}\n`;

/**
 * What a gate has said of a run, as it lies beside its result.
 * @returns undefined where none was asked, or of other runs alone.
 * @throws HollowmarkError `bad-input` when the file is damaged: without it a regression would go unsaid.
 */
export function judgedGateAt(folder: string, runId: string): JudgedGate | undefined {
  const file = join(folder, gateFileName);
  if (!existsSync(file)) return undefined;
  const { outcome, text } = readOutcome(file);
  return isOf(outcome, runId) ? judgedGateOf(outcome, text) : undefined;
}

function judgedGateOf(outcome: GateOutcome, document: string): JudgedGate {
  const { verdict, notes } = outcome;
  const summary = countsText(outcome);
  const remarks = [...notes, ...summaryLines(outcome).filter((line) => line !== summary)];
  return { verdict, cases: ruleCases(outcome), summary, remarks, document };
}
