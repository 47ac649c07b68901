import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/base/package-info.ts';

const execute = promisify(execFile);

/** Commands may nest; nobody nests them deeper. */
const commandsMax = 50;

/** Runs the built CLI. @returns its output; never rejects for an exit code. */
export async function runCli(
  args: readonly string[],
  cwd: string = packageRoot,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const main = join(packageRoot, 'dist/cli/main.js');
  try {
    return { exitCode: 0, ...(await execute(process.execPath, [main, ...args], { cwd })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { exitCode: code, stdout: stdout ?? '', stderr: stderr ?? '' };
  }
}

/** The help of every command, the top one first under the empty name, as `hollowmark … --help` prints it. */
export async function helpTexts(): Promise<Map<string, string>> {
  const help = new Map<string, string>();
  let level = [''];
  while (level.length > 0 && help.size < commandsMax) {
    const texts = await Promise.all(
      level.map(async (name) => (await runCli([...words(name), '--help'])).stdout),
    );
    level.forEach((name, index) => help.set(name, texts[index] ?? ''));
    level = level.flatMap((name, index) => subcommands(name, texts[index] ?? ''));
  }
  return help;
}

const words = (name: string): string[] => name.split(' ').filter((word) => word !== '');

/** Names below `name`, from lines such as `  hollowmark run <scenario>   Run a scenario`. */
function subcommands(name: string, help: string): string[] {
  const listed = /^Commands:\n((?: .*\n)+)/m.exec(help)?.[1] ?? '';
  return (
    [...listed.matchAll(/^ {2}hollowmark ([a-z][a-z -]*?)(?= {2}| [<[])/gm)]
      .map((match) => match[1] ?? '')
      // `completion` prints its script even with --help.
      .filter((found) => found !== name && found !== 'completion')
  );
}

/** docs/cli.md, of {@link helpTexts}. */
export function renderCliReference(help: ReadonlyMap<string, string>): string {
  const sections = [...help].map(([name, text]) => {
    const title = name === '' ? '' : `\n## hollowmark ${name}\n`;
    return `${title}\n\`\`\`text\n${text.trim()}\n\`\`\`\n`;
  });
  return `# Command line

What \`hollowmark --help\` and the help of each command say, written by \`npm run docs\`. In a clone, \`npx hollowmark\`
runs what \`npm ci\` has built.
${sections.join('')}`;
}
