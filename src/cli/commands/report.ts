import { dirname } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { readResult, resultFileAt } from '../../result/read.ts';
import { writeReport } from '../../report/write-report.ts';
import type { CommandContext } from '../context.ts';

type ReportFlags = { result: string; out: string | undefined; json: boolean };

/** `report`: writes the report of a saved result anew. */
export function reportCommand(context: CommandContext): CommandModule<object, ReportFlags> {
  return {
    command: 'report <result>',
    describe: 'Write the reports of a result.json anew',
    builder: (yargs: Argv) =>
      yargs
        .positional('result', { type: 'string', demandOption: true, describe: 'A result.json of a run' })
        .option('out', {
          type: 'string',
          describe: "Folder to write to (default: the result's own)",
          requiresArg: true,
        })
        .option('json', { type: 'boolean', default: false, describe: 'List the files as JSON on stdout' })
        .example('$0 report reports/ID/result.json --out report', 'Reports into another folder'),
    handler: (flags) => context.finish(report(flags)),
  };
}

async function report(flags: ReportFlags): Promise<number> {
  const path = resultFileAt(flags.result);
  const result = readResult(path);
  const out = flags.out ?? dirname(path);
  const { files, warnings } = await writeReport(result, out);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  process.stdout.write(flags.json ? `${JSON.stringify({ files })}\n` : `${files.join('\n')}\n`);
  return 0;
}
