import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { ImageCatalogue, fullImageName } from '../../../src/hollow/runtime/image-catalogue.ts';
import { NodeImages } from '../../../src/hollow/runtime/image-store.ts';
import type { ImageSettings, PullPolicy } from '../../../src/hollow/runtime/images.ts';
import { NodeRuntimes } from '../../../src/hollow/runtime/node-runtimes.ts';
import { loadRuntimeProfile } from '../../../src/hollow/runtime/runtime-profile.ts';

/** 10 MB/s, and half a second before the first byte. */
const slow = {
  ...loadRuntimeProfile('containerd'),
  pullBytesPerSecond: 10e6,
  pullOverheadMs: { constant: 500 },
};

type Changes = Partial<typeof slow> & { settings?: Record<string, ImageSettings>; present?: string[] };

function store({ settings = {}, present = [], ...changes }: Changes = {}): NodeImages {
  const profiles = { slow: { ...slow, ...changes } };
  const runtimes = new NodeRuntimes({ profiles, images: settings, presentImages: present });
  return new NodeImages(runtimes.of('slow'), new Prng('images'));
}

/** How long the pull takes that this begins. */
function pull(
  images: NodeImages,
  name: string,
  nowMs = 0,
  policy: PullPolicy = 'IfNotPresent',
): { key: string; endsInMs: number } {
  const answer = images.ask(name, policy, nowMs);
  if (answer.is !== 'pulling') throw new Error(`${name} is ${answer.is}`);
  return answer;
}

const one = (sizeBytes: number): ImageSettings => ({ sizeBytes, layers: 1 });

describe('NodeImages', () => {
  it('pulls what is not there, in the time that its bytes take, once', () => {
    const images = store({ settings: { app: one(30e6) } });
    const { key, endsInMs } = pull(images, 'app');
    expect(endsInMs).toBeCloseTo(3500);
    expect(images.finished(key, 3500)).toEqual({ pulledBytes: 30e6, tookMs: 3500, waitedMs: 0 });
    expect(images.ask('docker.io/library/app:latest', 'IfNotPresent', 4000)).toEqual({ is: 'present' });
  });

  it('has what the runtime has, and what the run wants there', () => {
    const images = store({ present: ['registry.example/load:1'] });
    for (const name of ['busybox', 'registry.k8s.io/pause:3.10', 'registry.example/load:1']) {
      expect(images.ask(name, 'IfNotPresent', 0)).toEqual({ is: 'present' });
      expect(images.ask(name, 'Never', 0)).toEqual({ is: 'present' });
    }
  });

  it('Always asks the registry, which takes no more than the overhead for what is there', () => {
    const images = store();
    const { key, endsInMs } = pull(images, 'busybox', 0, 'Always');
    expect(endsInMs).toBeCloseTo(500);
    expect(images.finished(key, 500)).toHaveProperty('pulledBytes');
  });

  it('Never does not pull', () => {
    expect(store().ask('app:2', 'Never', 0)).toEqual({
      is: 'absent',
      reason: 'ErrImageNeverPull',
      message: 'Container image "app:2" is not present with pull policy of Never',
    });
  });

  it('pulls one after the other when only one may be pulled at a time', () => {
    const images = store({ settings: { a: one(10e6), b: one(20e6) } });
    expect(pull(images, 'a').endsInMs).toBeCloseTo(1500);
    const second = pull(images, 'b', 100);
    expect(second.endsInMs).toBeCloseTo(1400 + 2500);
    expect(images.finished(second.key, 4000)).toEqual({ pulledBytes: 20e6, tookMs: 2500, waitedMs: 1400 });
  });

  it('shares the bandwidth among parallel pulls as they come and go, and lets no more than so many begin', () => {
    const images = store({ settings: { a: one(10e6), b: one(15e6), c: one(10e6) }, maxParallelPulls: 2 });
    const a = pull(images, 'a');
    expect(a.endsInMs).toBeCloseTo(1500);
    // From 1,000 on they share: a has 5 MB left, and then b has the whole of it for 10 MB.
    const b = pull(images, 'b', 500);
    expect(images.finished(a.key, 1500)).toEqual({ endsInMs: expect.closeTo(500) as number });
    expect(b.endsInMs).toBeCloseTo(3000 - 500);
    // Begins when a has ended, fetches from 2,500 on beside b, which has 5 MB left, and is alone from 3,500 on.
    const c = pull(images, 'c', 1500);
    expect(c.endsInMs).toBeCloseTo(4000 - 1500);
    expect(images.finished(a.key, 2000)).toMatchObject({ tookMs: 2000, waitedMs: 0 });
    expect(images.finished(b.key, 3000)).toEqual({ endsInMs: expect.closeTo(500) as number });
    expect(images.finished(b.key, 3500)).toMatchObject({ tookMs: 3000, waitedMs: 0 });
    expect(images.finished(c.key, 4000)).toMatchObject({ tookMs: 2000, waitedMs: 500 });
  });

  /** Runs pulls to their ends as a node does: each is asked for when it was said to end. @returns when they ended. */
  function endsOf(images: NodeImages, pulls: { name: string; askMs: number }[]): number[] {
    const ends: number[] = [];
    const due: { atMs: number; act: () => void }[] = [];
    const look = (index: number, key: string, atMs: number): void => {
      const outcome = images.finished(key, atMs);
      if ('endsInMs' in outcome) lookAt(index, key, atMs + outcome.endsInMs);
      else ends[index] = atMs;
    };
    const lookAt = (index: number, key: string, atMs: number): void => {
      due.push({ atMs, act: () => look(index, key, atMs) });
    };
    for (const [index, { name, askMs }] of pulls.entries()) {
      due.push({
        atMs: askMs,
        act: () => {
          const { key, endsInMs } = pull(images, name, askMs);
          lookAt(index, key, askMs + endsInMs);
        },
      });
    }
    let looks = 0;
    while (due.length > 0) {
      due.sort((a, b) => a.atMs - b.atMs);
      due.shift()?.act();
      looks++;
    }
    // Nobody ticks: a pull is looked at no more often than others come.
    expect(looks).toBeLessThanOrEqual(pulls.length * (pulls.length + 2) * 2);
    return ends;
  }

  const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 12 });
  const storeOf = (megabytes: number[], maxParallelPulls = 100): NodeImages =>
    store({
      settings: Object.fromEntries(megabytes.map((size, i) => [`image-${i}`, one(size * 1e6)])),
      maxParallelPulls,
    });

  it('gives pulls that begin together what sorted arithmetic says', () => {
    fc.assert(
      fc.property(sizes, (megabytes) => {
        const pulls = megabytes.map((_, i) => ({ name: `image-${i}`, askMs: 0 }));
        const ends = endsOf(storeOf(megabytes), pulls);
        // The smallest ends when all have had as much as it needs, the next one when the others have, and so on.
        const sorted = megabytes.toSorted((a, b) => a - b);
        let endMs = 500;
        const expected = sorted.map((size, i) => {
          endMs += (size - (sorted[i - 1] ?? 0)) * (sorted.length - i) * 100;
          return endMs;
        });
        for (const [i, end] of ends.toSorted((a, b) => a - b).entries()) {
          expect(end).toBeCloseTo(expected[i] ?? 0, 1);
        }
      }),
    );
  });

  it('never leaves the line idle while there is something to fetch, nor has more than all of it', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.integer({ min: 1, max: 5 }),
        fc.infiniteStream(fc.nat(2000)),
        (megabytes, most, gaps) => {
          let askMs = 0;
          const pulls = megabytes.map((_, i) => ({
            name: `image-${i}`,
            askMs: (askMs += gaps.next().value ?? 0),
          }));
          const ends = endsOf(storeOf(megabytes, most), pulls);
          const lastMs = Math.max(...ends);
          const fetchMs = megabytes.reduce((sum, size) => sum + size, 0) * 100;
          expect(lastMs).toBeGreaterThan(500 + fetchMs - 1);
          // At the worst all of the others' overheads and gaps come between.
          expect(lastMs).toBeLessThan(askMs + 500 * pulls.length + fetchMs + 1);
          for (const [i, end] of ends.entries()) {
            expect(end - (pulls[i]?.askMs ?? 0)).toBeGreaterThan(500 + (megabytes[i] ?? 0) * 100 - 1);
          }
        },
      ),
    );
  });

  it('ends with what others fetch, and counts layers without bytes', () => {
    const layered = store({ settings: { a: { sizeBytes: 3, layers: 3 }, b: one(0) }, maxParallelPulls: 5 });
    expect(pull(layered, 'a').endsInMs).toBeCloseTo(500, 1);
    expect(pull(layered, 'b').endsInMs).toBeCloseTo(500, 1);
  });

  it('does not fetch what an earlier pull is fetching, but waits for it', () => {
    const images = store({ settings: { a: one(50e6) }, maxParallelPulls: 5 });
    expect(pull(images, 'a').endsInMs).toBeCloseTo(5500);
    expect(pull(images, 'a', 1000).endsInMs).toBeCloseTo(4500);
  });

  it('fetches a base layer that images share once', () => {
    const catalogue = new ImageCatalogue();
    const names = Array.from({ length: 40 }, (_, i) => `app-${i}`);
    const bases = names.map((name) => catalogue.image(name).layers[0]?.digest);
    const second = bases.findIndex(
      (base, i) => base?.startsWith('base/') === true && bases.indexOf(base) < i,
    );
    const first = bases.indexOf(bases[second]);
    const [a = '', b = ''] = [names[first], names[second]];
    const shared = catalogue.image(b).layers[0]?.sizeBytes ?? 0;
    const images = store();
    images.finished(pull(images, a).key, 1e6);
    const alone = pull(store(), b).endsInMs;
    expect(pull(images, b, 1e6).endsInMs).toBeCloseTo(alone - shared / 10e3);
  });

  it.each<[name: string, settings: Record<string, ImageSettings>, message: string]>([
    [
      'registry.invalid/app:1',
      {},
      'failed to pull and unpack image "registry.invalid/app:1": failed to resolve reference "registry.invalid/app:1": failed to do request: Head "https://registry.invalid/v2/app/manifests/1": dial tcp: lookup registry.invalid: no such host',
    ],
    [
      'app',
      { app: { fails: 'NotFound' } },
      'failed to pull and unpack image "docker.io/library/app:latest": failed to resolve reference "docker.io/library/app:latest": docker.io/library/app:latest: not found',
    ],
    [
      '127.0.0.1:9/none:1',
      { '127.0.0.1:9/none:1': { fails: 'Unreachable' } },
      'failed to pull and unpack image "127.0.0.1:9/none:1": failed to resolve reference "127.0.0.1:9/none:1": failed to do request: Head "https://127.0.0.1:9/v2/none/manifests/1": dial tcp: connect: connection refused',
    ],
  ])('cannot get %s: %j', (name, settings, message) => {
    const images = store({ settings });
    const { key, endsInMs } = pull(images, name);
    expect(endsInMs).toBeCloseTo(500);
    expect(images.finished(key, 500)).toEqual({ error: 'ErrImagePull', message });
    expect(images.ask(name, 'IfNotPresent', 600).is).toBe('pulling');
    expect(images.changes).toBe(0);
  });

  it('fails as often as the profile says', () => {
    const images = store({ pullFailureRate: 0.3 });
    let failures = 0;
    for (let i = 0; i < 1000; i++) {
      const { key } = pull(images, 'busybox', i * 1000, 'Always');
      if ('error' in images.finished(key, i * 1000 + 500)) failures++;
    }
    expect(failures).toBeGreaterThan(250);
    expect(failures).toBeLessThan(350);
  });

  it('reports the 50 largest images, the largest first', () => {
    const images = store();
    expect(images.reported()).toEqual(slow.images);
    for (let i = 0; i < 60; i++) images.finished(pull(images, `app-${i}`, i * 1e6).key, (i + 1) * 1e6);
    const reported = images.reported();
    expect(images.changes).toBe(60);
    expect(reported).toHaveLength(50);
    expect(reported.map(({ sizeBytes }) => sizeBytes)).toEqual(
      reported.map(({ sizeBytes }) => sizeBytes).toSorted((a, b) => b - a),
    );
  });

  it('has the images that nobody asked for any more', () => {
    const images = store({ settings: { app: one(10e6) } });
    const { key } = pull(images, 'app');
    images.ask('busybox', 'IfNotPresent', 100_000);
    expect(images.ask('app', 'IfNotPresent', 100_000)).toEqual({ is: 'present' });
    expect(images.finished(key, 100_000)).toHaveProperty('error');
  });
});

describe('ImageCatalogue', () => {
  it('says the same of an image everywhere, with layers that add up', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z]{1,9}(:[0-9])?$/),
        fc.option(fc.record({ sizeBytes: fc.nat(2e9), layers: fc.integer({ min: 1, max: 127 }) }), {
          nil: undefined,
        }),
        (name, given) => {
          const settings = given === undefined ? {} : { [name]: given };
          const image = new ImageCatalogue(settings).image(name);
          expect(new ImageCatalogue(settings).image(fullImageName(name))).toEqual(image);
          expect(image.layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(image.sizeBytes);
          expect(image.layers.every(({ sizeBytes }) => sizeBytes >= 0)).toBe(true);
          if (given !== undefined) {
            expect(image.sizeBytes).toBe(given.sizeBytes);
            expect(image.layers).toHaveLength(given.layers);
          }
        },
      ),
    );
  });

  it.each([
    ['busybox', 'docker.io/library/busybox:latest'],
    ['busybox:1.36', 'docker.io/library/busybox:1.36'],
    ['bitnami/redis', 'docker.io/bitnami/redis:latest'],
    ['registry.k8s.io/pause:3.10', 'registry.k8s.io/pause:3.10'],
    ['localhost/app', 'localhost/app:latest'],
    ['127.0.0.1:5000/app', '127.0.0.1:5000/app:latest'],
    ['app@sha256:abc', 'docker.io/library/app@sha256:abc'],
  ])('%s is %s in full', (name, full) => {
    expect(fullImageName(name)).toBe(full);
    expect(fullImageName(full)).toBe(full);
  });
});
