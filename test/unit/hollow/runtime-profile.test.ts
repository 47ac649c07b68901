import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HollowmarkError } from '../../../src/base/errors.ts';
import { NodeRuntimes } from '../../../src/hollow/runtime/node-runtimes.ts';
import { RuntimeClasses } from '../../../src/hollow/runtime/runtime-classes.ts';
import {
  loadRuntimeProfile,
  parseRuntimeProfile,
  runtimeNames,
} from '../../../src/hollow/runtime/runtime-profile.ts';

const fileOf = (name: string): { figures: Record<string, { source?: string; estimate?: boolean }> } =>
  JSON.parse(
    readFileSync(new URL(`../../../src/hollow/runtime/profiles/${name}.json`, import.meta.url), 'utf8'),
  ) as never;

describe('the runtimes that come with Hollowmark', () => {
  it.each(runtimeNames)('%s: every figure has a source, and the estimates say that they are', (name) => {
    const profile = loadRuntimeProfile(name);
    expect(profile.name).toBe(name);
    for (const [figure, { source = '', estimate }] of Object.entries(fileOf(name).figures)) {
      expect(source, figure).not.toBe('');
      expect(estimate === true, `${figure}: ${source}`).toBe(source.startsWith('Estimate'));
      expect(profile.estimates.includes(figure)).toBe(estimate === true);
    }
  });

  it.each([
    ['cri-o', 1.1, ['sandboxMs', 'createMs', 'startMs', 'stopMs']],
    ['docker', 1.9, ['sandboxMs', 'createMs', 'startMs', 'stopMs', 'cleanupMs']],
  ] as const)('%s takes %f times as long as containerd, as its sources say', (name, factor, figures) => {
    const [own, measured] = [loadRuntimeProfile(name), loadRuntimeProfile('containerd')];
    for (const figure of figures) {
      const { uniform = [] } = measured[figure] as { uniform?: number[] };
      expect(own[figure], figure).toEqual({ uniform: uniform.map((ms) => Math.round(ms * factor)) });
      expect(fileOf(name).figures[figure]?.source).toContain(`times ${factor}`);
    }
  });

  it.each(['cri-o', 'docker', 'rkt', 'hyper', 'windows'])('%s has a kubelet like any other', (name) => {
    const [own, measured] = [loadRuntimeProfile(name), loadRuntimeProfile('containerd')];
    expect(own.tokenRequestMs).toEqual(measured.tokenRequestMs);
    expect(own.volumesPollMs).toBe(measured.volumesPollMs);
  });

  it('what is said of sizes and overheads has a source too, which is not said of a node', () => {
    const { runtimeClass } = fileOf('hyper') as { runtimeClass?: { source?: string } };
    const { images } = fileOf('windows') as { images?: { source?: string }[] };
    const sources = [runtimeClass, ...(images ?? [])].map((about) => about?.source ?? '');
    expect(sources).toHaveLength(3);
    for (const source of sources) expect(source).toMatch(/^Estimate: /);
    expect(loadRuntimeProfile('windows').images.map((image) => Object.keys(image).join())).toEqual([
      'names,sizeBytes',
      'names,sizeBytes',
    ]);
  });

  it('containerd is measured, but for pulls', () => {
    expect(loadRuntimeProfile('containerd')).toMatchObject({
      version: 'containerd://1.6.20',
      parallelOperations: 2.4,
      sandboxMs: { uniform: [85, 115] },
      estimates: ['pullBytesPerSecond', 'pullOverheadMs'],
    });
  });

  it('windows has nodes of its own, and no OOM kills', () => {
    expect(loadRuntimeProfile('windows')).toMatchObject({
      system: { operatingSystem: 'windows' },
      taints: [{ key: 'os', value: 'windows', effect: 'NoSchedule' }],
      oomKills: false,
    });
  });

  it('hyper stands beside containerd, for pods of its RuntimeClass', () => {
    const runtime = new NodeRuntimes().of('hyper');
    expect(runtime.profile.name).toBe('containerd');
    expect(runtime.handlers['hyper']?.runtimeClass?.overhead).toEqual({ cpu: '250m', memory: '160Mi' });
    expect(new NodeRuntimes().of('containerd').handlers).toEqual({});
  });
});

describe('parseRuntimeProfile', () => {
  const refusal = (data: unknown): string => {
    try {
      parseRuntimeProfile(data, 'mine.json');
    } catch (error) {
      if (error instanceof HollowmarkError && error.code === 'bad-input') return error.message;
      throw error;
    }
    return 'accepted';
  };

  it('takes what is not given from the runtime that it extends', () => {
    const figures = { sandboxMs: { logNormal: { median: 900, p99: 3000 } }, maxParallelPulls: { value: 5 } };
    const mine = parseRuntimeProfile({ name: 'mine', extends: 'containerd', figures }, 'mine.json');
    expect(mine).toEqual({
      ...loadRuntimeProfile('containerd'),
      name: 'mine',
      sandboxMs: figures.sandboxMs,
      maxParallelPulls: 5,
    });
  });

  it.each<[unknown, string]>([
    [undefined, 'mine.json: must be object'],
    [{}, "mine.json: must have required property 'name'"],
    [{ name: 'mine' }, 'mine.json: has no version'],
    [
      { name: 'mine', extends: 'podman' },
      'mine.json: extends must be one of containerd, cri-o, docker, rkt, hyper, windows',
    ],
    [{ name: 'mine', figure: {} }, 'mine.json: has an unknown key "figure"; did you mean "figures"?'],
    [
      { name: 'mine', figures: { sandboxMS: { constant: 1 } } },
      'mine.json: figures has an unknown key "sandboxMS"; did you mean "sandboxMs"?',
    ],
    [
      { name: 'mine', figures: { sandboxMs: { uniform: [1] } } },
      'mine.json: figures.sandboxMs.uniform must NOT have fewer than 2 items',
    ],
    [
      { name: 'mine', figures: { sandboxMs: { constant: -1 } } },
      'mine.json: figures.sandboxMs.constant must be >= 0',
    ],
    [
      { name: 'mine', figures: { sandboxMs: { source: 'none' } } },
      'mine.json: figures.sandboxMs cannot be sampled: one of constant, uniform, normal, logNormal and empirical must be given, not none',
    ],
    [
      { name: 'mine', figures: { startMs: { constant: 1, uniform: [1, 2] } } },
      'mine.json: figures.startMs cannot be sampled: one of constant, uniform, normal, logNormal and empirical must be given, not constant and uniform',
    ],
    [
      { name: 'mine', figures: { stopMs: { uniform: [2, 1] } } },
      'mine.json: figures.stopMs cannot be sampled: uniform goes from 2 down to 1',
    ],
    [
      { name: 'mine', figures: { pullFailureRate: { value: 2 } } },
      'mine.json: figures.pullFailureRate.value must be <= 1',
    ],
  ])('refuses %j', (data, message) => {
    expect(refusal(data)).toBe(message);
  });
});

describe('RuntimeClasses', () => {
  const classes = (): RuntimeClasses => {
    const made = new RuntimeClasses(new NodeRuntimes().of('hyper'));
    made.onListing();
    made.onObject('ADDED', { metadata: { name: 'vm' }, handler: 'hyper' });
    made.onObject('ADDED', { metadata: { name: 'plain' }, handler: 'runc' });
    made.onObject('ADDED', { metadata: { name: 'sandboxed' }, handler: 'runsc' });
    made.onListed();
    return made;
  };

  it.each([
    ['', 'containerd'],
    ['plain', 'containerd'],
    ['vm', 'hyper'],
  ])('pods of class "%s" run on %s', (name, runtime) => {
    expect(classes().choose(name)).toMatchObject({ profile: { name: runtime } });
  });

  it.each([
    ['gone', 'runtimeclass.node.k8s.io "gone" not found'],
    [
      'sandboxed',
      'rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "runsc" is configured',
    ],
  ])('pods of class "%s" do not run: %s', (name, error) => {
    expect(classes().choose(name)).toEqual({ error });
  });

  it('forget what has been deleted, also behind their back', () => {
    const made = classes();
    made.onObject('DELETED', { metadata: { name: 'vm' }, handler: 'hyper' });
    expect(made.choose('vm')).toHaveProperty('error');
    made.onListing();
    expect(made.choose('plain')).toHaveProperty('profile');
    made.onListed();
    expect(made.choose('plain')).toHaveProperty('error');
  });
});
