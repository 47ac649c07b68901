import { dirname, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { readResult, resultFileAt } from '../../result/read.ts';
import { type ReportFormat, reportFormats, writeReport } from '../../report/write-report.ts';
import type { CommandContext } from '../context.ts';
import { fileLink, terminalOf } from '../terminal.ts';

type ReportFlags = {
  result: string;
  out: string | undefined;
  format: ReportFormat[] | undefined;
  json: boolean;
};

/** `report`: writes the report of a saved result anew. */
export function reportCommand(context: CommandContext): CommandModule<object, ReportFlags> {
  return {
    command: 'report <result>',
    describe: 'Write the reports of a result.json anew',
    builder: (yargs: Argv) =>
      yargs
        .positional('result', {
          type: 'string',
          demandOption: true,
          describe: 'A result.json, or the folder of a run',
        })
        .option('out', {
          type: 'string',
          describe: "Folder to write to (default: the result's own)",
          requiresArg: true,
        })
        .option('format', {
          type: 'string',
          array: true,
          nargs: 1,
          choices: reportFormats,
          describe: 'Only this one (repeatable)',
        })
        .option('json', { type: 'boolean', default: false, describe: 'List the files as JSON on stdout' })
        .example('$0 report reports/ID', 'The reports of a run anew, where they were')
        .example('$0 report reports/ID/result.json --out report', 'Into another folder')
        .example('$0 report reports/ID --format junit --out ci', 'Only JUnit, for CI'),
    handler: (flags) => context.finish(report(flags)),
  };
}

async function report(flags: ReportFlags): Promise<number> {
  const path = resultFileAt(flags.result);
  const result = readResult(path);
  const out = flags.out ?? dirname(path);
  const { files, warnings } = await writeReport(result, out, flags.format);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  const terminal = terminalOf(process.stdout);
  const shown = (file: string): string => fileLink(resolve(file), terminal);
  process.stdout.write(flags.json ? `${JSON.stringify({ files })}\n` : `${files.map(shown).join('\n')}\n`);
  return 0;
}
