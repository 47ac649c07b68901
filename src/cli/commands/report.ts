import { dirname, join, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import type { Build } from '../../report/history/render-history.ts';
import { fileWord } from '../../report/report-file.ts';
import {
  defaultBuild,
  historyFolder,
  type ReportFormat,
  reportFormats,
  usualFormats,
  writeReport,
} from '../../report/write-report.ts';
import { readResult, resultFileAt } from '../../result/read.ts';
import type { RunResult } from '../../result/result.ts';
import { ciEnvironment, webAddress } from '../ci-environment.ts';
import type { CommandContext } from '../context.ts';
import { judgedGateAt } from '../gate-file.ts';
import { fileLink, terminalOf } from '../terminal.ts';
import { uploadByCommand, uploadToFolder } from '../upload.ts';
import { usageError } from '../usage.ts';

type FormatFlags = {
  result: string;
  out: string | undefined;
  format: ReportFormat[] | undefined;
  artifactsUrl: string | undefined;
};

type HistoryFlags = {
  job: string | undefined;
  build: string | undefined;
  upload: string | undefined;
  uploadCommand: string | undefined;
};

type ReportFlags = FormatFlags & HistoryFlags & { json: boolean };

/** `report`: writes a saved result in any format. */
export function reportCommand(context: CommandContext): CommandModule<object, ReportFlags> {
  return {
    command: 'report <result>',
    describe: 'Write the reports of a result.json anew, or in other formats',
    builder: (yargs: Argv) =>
      historyOptions(formatOptions(yargs))
        .option('json', { type: 'boolean', default: false, describe: 'List the files as JSON on stdout' })
        .example('$0 report reports/ID', 'The reports of a run anew, where they were')
        .example('$0 report reports/ID/result.json --out report', 'Into another folder')
        .example('$0 report reports/ID --format junit,markdown --out ci', 'Only these, for CI')
        .example('$0 report reports/ID --format history --upload DIR', 'A build for a test-history dashboard')
        .example(
          "$0 report reports/ID --format history --upload-command 'gsutil cp -r {dir} gs://BUCKET/logs/{job}/'",
          'The same, into a bucket',
        ),
    handler: (flags) => context.finish(report(flags)),
  };
}

/** What to write, and where. */
function formatOptions<T>(yargs: Argv<T>): Argv<T & FormatFlags> {
  return yargs
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
      coerce: (given: string[] | undefined) =>
        given?.flatMap((value) => value.split(',')) as ReportFormat[] | undefined,
      defaultDescription: usualFormats.join(','),
      describe: 'Only these, with commas between them or one by one (repeatable)',
    })
    .option('artifacts-url', {
      type: 'string',
      describe:
        'Of markdown: where links lead, a folder if it ends with / (default: what the CI system says)',
      requiresArg: true,
    }) as unknown as Argv<T & FormatFlags>;
}

/** Flags of the format `history`. */
function historyOptions<T>(yargs: Argv<T>): Argv<T & HistoryFlags> {
  const group = 'Test history (--format history):';
  return yargs
    .option('job', {
      type: 'string',
      describe: 'Name of the job (default: what the CI system says, or the scenario)',
      group,
      requiresArg: true,
    })
    .option('build', {
      type: 'string',
      describe: "Number of the build (default: what the CI system says, or the run's id)",
      group,
      requiresArg: true,
    })
    .option('upload', {
      type: 'string',
      describe: 'Copy it to this folder, as <job>/<build>',
      group,
      requiresArg: true,
    })
    .option('upload-command', {
      type: 'string',
      describe: 'Run this with a shell afterwards; {dir}, {job} and {build} stand for its folder and names',
      group,
      requiresArg: true,
    }) as unknown as Argv<T & HistoryFlags>;
}

async function report(flags: ReportFlags): Promise<number> {
  checkFlags(flags);
  const path = resultFileAt(flags.result);
  const result = readResult(path);
  const out = flags.out ?? dirname(path);
  const ci = ciEnvironment(process.env);
  const build = buildOf(flags, ci, result);
  const { files, warnings } = await writeReport(result, out, flags.format, {
    gate: judgedGateAt(dirname(path), result.run.id),
    build,
    artifactsUrl: flags.artifactsUrl ?? ci.artifactsUrl,
  });
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  const folder = resolve(join(out, historyFolder(build)));
  if (flags.upload !== undefined) files.push(uploadToFolder(folder, build, flags.upload));
  if (flags.uploadCommand !== undefined) await uploadByCommand(folder, build, flags.uploadCommand);
  const terminal = terminalOf(process.stdout);
  const shown = (file: string): string => fileLink(resolve(file), terminal);
  process.stdout.write(flags.json ? `${JSON.stringify({ files })}\n` : `${files.map(shown).join('\n')}\n`);
  return 0;
}

/** Flags that would do nothing, and values that cannot be used. @throws HollowmarkError `bad-input`. */
function checkFlags(flags: ReportFlags): void {
  const formats = flags.format ?? usualFormats;
  const needed = (flag: string, given: string | undefined, format: ReportFormat): void => {
    if (given === undefined || formats.includes(format)) return;
    throw usageError(`--${flag} is for the format ${format}`, `add --format ${format}`);
  };
  needed('artifacts-url', flags.artifactsUrl, 'markdown');
  needed('job', flags.job, 'history');
  needed('build', flags.build, 'history');
  needed('upload', flags.upload, 'history');
  needed('upload-command', flags.uploadCommand, 'history');
  for (const [flag, name] of [
    ['job', flags.job],
    ['build', flags.build],
  ] as const) {
    if (name === undefined || fileWord(name) === name) continue;
    throw usageError(`--${flag} ${name}: not the name of a folder`, 'letters, digits, ".", "_" and "-"');
  }
  if (flags.artifactsUrl !== undefined && webAddress(flags.artifactsUrl) === undefined) {
    throw usageError(
      `--artifacts-url ${flags.artifactsUrl}: no address that begins with https:// or http://`,
    );
  }
  if (flags.uploadCommand?.includes('{dir}') === false) {
    throw usageError('--upload-command does not say {dir}, which stands for the folder to upload');
  }
}

function buildOf(flags: ReportFlags, ci: ReturnType<typeof ciEnvironment>, result: RunResult): Build {
  const otherwise = defaultBuild(result);
  const word = (text: string | undefined): string | undefined =>
    text === undefined || text === '' ? undefined : fileWord(text);
  return {
    job: flags.job ?? word(ci.job) ?? otherwise.job,
    number: flags.build ?? word(ci.build) ?? otherwise.number,
  };
}
