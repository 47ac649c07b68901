import {
  type Condition,
  type Outcome,
  type Recipe,
  type Step,
  always,
  askedByVariable,
  failsUnless0,
  goesWell,
  meaningOf,
  recipeText,
} from './recipe.ts';

/** A part of the file that has a name, and what stands in its braces. */
export type JenkinsStage = { name: string; body: string };

/** The file without its comments; a string may have two slashes. */
export function readJenkinsfile(): string {
  return recipeText('Jenkinsfile')
    .split('\n')
    .filter((line) => !/^\s*\/\//.test(line))
    .join('\n');
}

/** What stands in the braces after the first `opening` of a text. @throws Error where there is none. */
export function inBraces(text: string, opening: RegExp): string {
  const found = opening.exec(text);
  const start = text.indexOf('{', (found?.index ?? 0) + (found?.[0].length ?? 0));
  if (found === null || start < 0) throw new Error(`no ${opening} { … }`);
  let depth = 0;
  for (let index = start; index < text.length; index++) {
    if (text[index] === '{') depth++;
    if (text[index] === '}' && --depth === 0) return text.slice(start + 1, index);
  }
  throw new Error(`${opening} { has no end`);
}

/** The stages, in their order, and `post` as the last. */
export function jenkinsStages(text: string): JenkinsStage[] {
  const stages = inBraces(text, /^ {2}stages\b/m);
  return [
    ...[...stages.matchAll(/stage\('([^']+)'\)/g)].map((match) => ({
      name: match[1] ?? '',
      body: inBraces(stages.slice(match.index), /stage\('[^']+'\)/),
    })),
    { name: 'post', body: inBraces(inBraces(text, /^ {2}post\b/m), /always\b/) },
  ];
}

/** Variables of `environment`: those that are plain strings. */
export function jenkinsVariables(text: string): Record<string, string> {
  const lines = inBraces(text, /^ {2}environment\b/m).matchAll(/^\s*(\w+) = '(.*)'$/gm);
  return Object.fromEntries([...lines].map((match) => [match[1] ?? '', match[2] ?? '']));
}

/** Folders that `environment` puts before PATH. */
function pathsOf(text: string): string[] {
  const line = /^\s*PATH = "(.*)"$/m.exec(inBraces(text, /^ {2}environment\b/m))?.[1] ?? '';
  return line.split(':').filter((folder) => folder !== '${env.PATH}');
}

const succeeds: Condition = ({ failed, warned }) => !failed && !warned;

/** By the text of `when { expression { … } }`. */
const conditions: Record<string, Condition> = {
  "currentBuild.currentResult == 'SUCCESS' && env.GIT_BRANCH in ['main', 'origin/main']": (job) =>
    succeeds(job) && job.branch === 'main',
};

/** What the Groovy around a script makes of its exit code. */
function outcomesOf(body: string): (code: number) => Outcome {
  const unstable = [...body.matchAll(/if \(code == (\d+)\) \{\s*unstable\(/g)].map((match) =>
    Number(match[1]),
  );
  const caught = body.includes("catchError(buildResult: 'UNSTABLE'");
  return (code) => (code !== 0 && (caught || unstable.includes(code)) ? 'warning' : failsUnless0(code));
}

/** `sh` without a shebang, as a Debian agent has it. */
const shell = ['/bin/sh', '-xe'];

export function jenkinsRecipe(): Recipe {
  const text = readJenkinsfile();
  const steps = jenkinsStages(text).flatMap(({ name, body }): Step[] => {
    const asked = /\bwhen\b/.test(body) ? inBraces(inBraces(body, /\bwhen\b/), /\bexpression\b/).trim() : '';
    const otherwise = name === 'post' ? always : goesWell;
    const runs = asked === '' ? otherwise : meaningOf(asked, conditions);
    return [...body.matchAll(/\bsh(?: |\(return(?:Status|Stdout): true, script: )'''([\s\S]*?)'''/g)].map(
      (match) => ({
        type: 'script',
        name,
        shell,
        // The environment block is the agent's and not the shell's.
        script: `${pathsOf(text)
          .map((folder) => `PATH="${folder.replace('${env.WORKSPACE}', '$WORKSPACE')}:$PATH"`)
          .join('\n')}\n${match[1] ?? ''}`,
        runs,
        variablesOf: askedByVariable,
        outcomeOf: outcomesOf(body),
      }),
    );
  });
  return {
    system: 'Jenkins',
    variables: jenkinsVariables(text),
    steps,
    retry: { max: 0, exitCodes: [] },
    warnings: [],
    keepsWorkspace: true,
  };
}
