import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { packageRoot, tool } from '../../src/base/package-info.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { loadScenario } from '../../src/scenario/load-scenario.ts';
import { helpTexts, renderCliReference, runCli } from '../docs/cli-reference.ts';
import { parsedCommand } from '../docs/parsed-command.ts';
import { renderResultReference } from '../docs/result-reference.ts';
import { renderScenarioReference } from '../docs/scenario-reference.ts';
import { sampleResult } from './report/sample-result.ts';

// The CLI starts in half a second; on a busy machine in many.
vi.setConfig({ testTimeout: 60_000 });

/** Of every command, asked for once. */
const help = helpTexts();

const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
const pages = ['README.md', 'CHANGELOG.md', ...markdownBelow('docs')];
const scripts = (
  JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
).scripts;

function markdownBelow(folder: string): string[] {
  return readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .toSorted();
}

const pageText = (path: string): string => readFileSync(join(packageRoot, path), 'utf8');

/** Contents of the fenced blocks of a language. */
function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
    (match) => match[1] ?? '',
  );
}

type Command = { line: string; program: string; args: string[] };

/** The commands of a README's shell blocks: one or more a line, without comments and variables before them. */
function commands(markdown: string): Command[] {
  return blocks(markdown, 'sh')
    .flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'))
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split('&&'))
    .map((line) => line.trim().replace(/\s*&$/, ''))
    .filter((line) => line !== '')
    .map((line) => {
      const [program = '', ...args] = line.split(/\s+/).filter((word) => !/^[A-Z_]+=/.test(word));
      return { line, program, args };
    });
}

/** What a command gives to hollowmark; undefined when it is another program's. */
function hollowmarkArgs({ program, args }: Command): string[] | undefined {
  if (program === 'npx' && args[0] === 'hollowmark') return args.slice(1);
  if (program !== 'npm' || args[0] !== 'start') return undefined;
  const given = args.includes('--') ? args.slice(args.indexOf('--') + 1) : [];
  return [...(scripts['start'] ?? '').replace(/^.*dist\/cli\/hollowmark /, '').split(' '), ...given];
}

/** Runs in well under a second and needs no cluster. */
function isCheap(args: readonly string[]): boolean {
  return (
    args.includes('--help') || args.includes('--version') || args[0] === 'validate' || args[0] === 'report'
  );
}

const ours = commands(readme).flatMap((command) => {
  const args = hollowmarkArgs(command);
  return args === undefined ? [] : [{ line: command.line, args }];
});

describe('generated references', () => {
  it('docs/cli.md is what the commands say (npm run docs)', async () => {
    await expect(renderCliReference(await help)).toMatchFileSnapshot('../../docs/cli.md');
  });

  it('docs/scenarios.md is what the schema says (npm run docs)', async () => {
    await expect(renderScenarioReference()).toMatchFileSnapshot('../../docs/scenarios.md');
  });

  it('docs/result.md is what the schema says (npm run docs)', async () => {
    await expect(renderResultReference()).toMatchFileSnapshot('../../docs/result.md');
  });
});

describe('the examples of the README', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hollowmark-docs-'));
    symlinkSync(join(packageRoot, 'scenarios'), join(folder, 'scenarios'));
    // The file that the README tells to write, under the name that its commands use.
    for (const yaml of blocks(readme, 'yaml')) writeFileSync(join(folder, 'my-scenario.yaml'), yaml);
    for (const { args } of ours) {
      if (args[0] !== 'report' || args[1] === undefined) continue;
      const path = join(folder, args[1]);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, JSON.stringify(sampleResult()));
    }
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('begin with how to run and how to test', () => {
    expect(blocks(readme, 'sh')[0]).toBe('npm ci && npm start\nnpm ci && npm test\n');
  });

  it('name programs that people have and scripts that exist', () => {
    const known = new Set(['npm', 'npx', 'kubectl', 'kill', 'jq', 'cp', 'tar']);
    const all = commands(readme);
    expect(all.filter(({ program }) => !known.has(program)).map(({ line }) => line)).toEqual([]);
    for (const { line, program, args } of all) {
      if (program !== 'npm' || args[0] === 'ci') continue;
      expect(scripts, line).toHaveProperty(args[0] === 'run' ? (args[1] ?? '') : (args[0] ?? ''));
    }
  });

  it.each(ours.filter(({ args }) => isCheap(args)))('$line runs', async ({ args }) => {
    const { exitCode, stderr } = await runCli(args, folder);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it.each(ours.filter(({ args }) => !isCheap(args)))('$line could run', async ({ args }) => {
    const values = await parsedCommand(args);
    const scenario = values['scenario'];
    if (typeof scenario !== 'string') return;
    const { nodes, seed, set } = values as { nodes?: number; seed?: string; set?: string[] };
    const overrides = {
      sets: set ?? [],
      ...(nodes === undefined ? {} : { nodes }),
      ...(seed === undefined ? {} : { seed }),
    };
    expect(loadScenario(join(folder, scenario), overrides).warnings).toEqual([]);
  });

  it('are seen to be wrong when they are', async () => {
    await expect(parsedCommand(['up', '--nodess', '3'])).rejects.toThrow('nodess');
    await expect(parsedCommand(['control-plane', 'uninstall'])).rejects.toThrow('uninstall');
    await expect(parsedCommand(['control-plane', 'install', '--binaries', 'x'])).resolves.toHaveProperty(
      'binaries',
      'x',
    );
  });
});

describe('what the docs say', () => {
  it.each(pages)('%s: every link leads to a file', (page) => {
    const links = [...pageText(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)].map(
      (match) => match[1] ?? '',
    );
    expect(links.filter((link) => !existsSync(join(packageRoot, dirname(page), link)))).toEqual([]);
  });

  it.each(pages)('%s: every scenario loads', (page) => {
    const folder = mkdtempSync(join(tmpdir(), 'hollowmark-docs-'));
    try {
      for (const yaml of blocks(pageText(page), 'yaml')) {
        const path = join(folder, 'scenario.yaml');
        writeFileSync(path, yaml);
        expect(loadScenario(path, { sets: [] }).warnings).toEqual([]);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('README.md: its exit codes are those of the program', () => {
    const rows = [...readme.matchAll(/^\| (\d+) \| [^|]+ \|$/gm)].map((match) => Number(match[1]));
    expect(rows).toEqual(Object.values(exitCodes));
  });

  it('README.md: its table has every flag', async () => {
    const cells = [...readme.matchAll(/^\| (`--.*?) \| /gm)].map((match) => match[1] ?? '');
    const listed = cells.flatMap((cell) => cell.match(/--[a-z-]+/g) ?? []);
    const flags = [...(await help).values()].flatMap((text) => text.match(/(?<=^ +)--[a-z-]+/gm) ?? []);
    expect([...new Set(flags)].filter((flag) => !listed.includes(flag))).toEqual(['--version']);
  });

  it('every flag that a page names exists', async () => {
    const known = new Set([...(await help).values()].flatMap((text) => text.match(/--[a-z][a-z-]+/g) ?? []));
    // Of Kubernetes and etcd.
    const foreign = new Set([
      '--unsafe-no-fsync',
      '--advertise-address',
      '--allocate-node-cidrs',
      '--initial-old-space-size',
      '--min-semi-space-size',
      '--terminated-pod-gc-threshold',
    ]);
    for (const page of pages.filter((path) => path !== 'docs/cli.md')) {
      const named = [
        ...pageText(page)
          .replaceAll(/^```[\s\S]*?^```$/gm, '')
          .matchAll(/(?<=[`\s])--[a-z][a-z-]+/g),
      ].map((match) => match[0]);
      expect(
        named.filter((flag) => !known.has(flag) && !foreign.has(flag)),
        page,
      ).toEqual([]);
    }
  });

  it('README.md: its picture is there and not heavy', () => {
    expect(readme).toContain('docs/images/report.png');
    expect(statSync(join(packageRoot, 'docs/images/report.png')).size).toBeLessThan(300_000);
  });

  it('CHANGELOG.md: begins with what is not released, or with this version', () => {
    const first = /^## \[([^\]]+)\]/m.exec(pageText('CHANGELOG.md'))?.[1];
    expect([tool.version, 'Unreleased']).toContain(first);
  });
});
