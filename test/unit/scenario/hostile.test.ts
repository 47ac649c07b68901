import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HollowmarkError } from '../../../src/base/errors.ts';
import { inputText } from '../../../src/base/input-file.ts';
import { parseScenario, scenarioFile } from '../../../src/scenario/load-scenario.ts';
import { renderPlan } from '../../../src/scenario/render-plan.ts';

const quickstart = readFileSync('scenarios/quickstart.yaml', 'utf8');
const fragments = [
  ...[
    '-1',
    '0',
    '1e999',
    '.nan',
    '.inf',
    '99999999999999999999',
    '5s',
    '1.5',
    '0x1f',
    '1_000',
    '"',
    "'",
    '~',
    'null',
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    '&a',
    '*a',
    '<<: *a',
    '!!int',
    '!!binary',
    '? ',
    ': ',
    '- ',
    '---\n',
    '...\n',
    '%YAML 1.1\n',
    '|',
    '>',
  ],
  ...[
    '__proto__: 1\n',
    'constructor: {}\n',
    'toString: x\n',
    '\t',
    '\r',
    '\u0000',
    '\u2028',
    '\uFEFF',
    '\u{1F600}',
    'type: ',
    'name: ',
    'phases:',
  ],
];

/** Loads it: a scenario, which can be planned too, or one clear error; anything else is described. */
function outcomeOf(text: string, sets: string[]): string {
  try {
    const bytes = Buffer.from(text, 'utf8');
    const { scenario } = parseScenario(inputText(bytes, 's.yaml', scenarioFile), 's.yaml', { sets });
    const pods = scenario.phases.reduce((sum, phase) => sum + ('count' in phase ? phase.count : 0), 0);
    if (scenario.nodes.count + pods < 5000) renderPlan(scenario);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof HollowmarkError)) return `not our error: ${String(error)}`;
    const { code, message } = error;
    const clear =
      code === 'bad-input' &&
      /^(s\.yaml|--set )/.test(message) &&
      message.length < 1000 &&
      !/undefined|\[object|invariant|\n/.test(message);
    return clear ? 'refused' : `unclear: ${code}: ${message}`;
  }
}

test('any --set: a scenario or one clear error', { timeout: 60_000 }, () => {
  const paths = [
    'nodes',
    'nodes.count',
    'phases[0]',
    'phases.fill',
    'phases[0].pacing',
    'thresholds',
    'nodes.labels',
    '',
    'seed',
  ];
  const step = fc.oneof(
    fc.constantFrom(
      '.count',
      '[0]',
      '["a.b/c"]',
      '.pacing',
      '.strategy',
      '.name',
      '.__proto__',
      '.constructor',
      '.',
    ),
    fc.string({ maxLength: 5 }),
  );
  const value = fc.oneof(fc.constantFrom(...fragments), fc.json(), fc.string());
  const set = fc
    .tuple(fc.constantFrom(...paths), fc.array(step, { maxLength: 3 }), value)
    .map(([path, steps, text]) => `${path}${steps.join('')}=${text}`);
  fc.assert(
    fc.property(fc.array(set, { minLength: 1, maxLength: 3 }), (sets) => {
      expect(outcomeOf(quickstart, sets)).toMatch(/^(accepted|refused)$/);
    }),
    { numRuns: 4000, seed: 1 },
  );
});

test('hostile YAML ends quickly', { timeout: 20_000 }, () => {
  const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${'bcdefghi'
    .split('')
    .map((key, i) => `${key}: &${key} [${Array.from({ length: 9 }, () => `*${'abcdefgh'[i]}`).join(', ')}]`)
    .join('\n')}\n`;
  for (const text of [
    bomb,
    '['.repeat(20_000),
    '{a: '.repeat(20_000),
    '- '.repeat(20_000),
    'a:\n'.repeat(20_000),
    '&a '.repeat(20_000),
    '"'.repeat(100_001),
    `name: ${'x'.repeat(250_000)}`,
    `phases: [${'{},'.repeat(50_000)}]`,
  ]) {
    expect(outcomeOf(text, [])).toBe('refused');
  }
});
