import type { Prng } from '../../base/prng.ts';
import { sample } from './distribution.ts';
import type { Image, ImageCatalogue } from './image-catalogue.ts';
import type { ImageAnswer, ImageStore, PullGoesOn, PullOutcome, PullPolicy } from './images.ts';
import type { InitialImages, NodeRuntime } from './node-runtimes.ts';
import { type Pull, PullQueue } from './pull-queue.ts';
import type { RuntimeProfile } from './runtime-profile.ts';

/** A kubelet's nodeStatusMaxImages. */
const reportedImagesMax = 50;

/** A pull that ended so long ago will not be asked for. */
const forgottenMs = 60_000;

/** An image as node status has it. */
export type ReportedImage = { names: string[]; sizeBytes: number };

type PullFigures = Pick<
  RuntimeProfile,
  'images' | 'pullBytesPerSecond' | 'pullOverheadMs' | 'maxParallelPulls' | 'pullFailureRate'
>;

/** The images of one node, and the pulls that bring more of them. */
export class NodeImages implements ImageStore {
  private readonly figures: PullFigures;
  private readonly catalogue: ImageCatalogue;
  /** Shared among nodes. */
  private readonly initial: InitialImages;
  private readonly prng: Prng;
  private readonly pulled = new Map<string, Image>();
  /** Made with the first pull: most nodes have none. */
  private queue: PullQueue | undefined;
  private readonly pulls = new Map<string, Pull>();
  private pullCount = 0;

  constructor(
    runtime: Pick<NodeRuntime, 'catalogue' | 'initialImages'> & { profile: PullFigures },
    prng: Prng,
  ) {
    this.figures = runtime.profile;
    this.catalogue = runtime.catalogue;
    this.initial = runtime.initialImages;
    this.prng = prng;
  }

  ask(name: string, pullPolicy: PullPolicy, nowMs: number): ImageAnswer {
    const image = this.catalogue.image(name);
    this.forget(nowMs);
    if (pullPolicy !== 'Always' && this.has(image.name)) return { is: 'present' };
    if (pullPolicy === 'Never') {
      return {
        is: 'absent',
        reason: 'ErrImageNeverPull',
        message: `Container image "${name}" is not present with pull policy of Never`,
      };
    }
    const key = String(this.pullCount++);
    const pull = this.begin(image, nowMs);
    this.pulls.set(key, pull);
    return { is: 'pulling', key, endsInMs: this.leftMs(pull, nowMs) };
  }

  finished(key: string, nowMs: number): PullOutcome | PullGoesOn {
    const pull = this.pulls.get(key);
    if (pull === undefined) return { error: 'ErrImagePull', message: 'the pull was given up' };
    const endsInMs = this.leftMs(pull, nowMs);
    const { startMs } = pull;
    if (pull.endMs === undefined || startMs === undefined) return { endsInMs };
    this.pulls.delete(key);
    if (pull.failure !== undefined) return { error: 'ErrImagePull', message: pull.failure };
    const { image } = pull;
    if (!this.has(image.name)) this.pulled.set(image.name, image);
    return {
      pulledBytes: image.sizeBytes,
      tookMs: nowMs - startMs,
      waitedMs: startMs - pull.askedMs,
    };
  }

  /** How many images have come since the start: when it changes, so does {@link reported}. */
  get changes(): number {
    return this.pulled.size;
  }

  /** The largest images, largest first, as a kubelet reports them. */
  reported(): ReportedImage[] {
    const pulled = [...this.pulled.values()].map(({ name, sizeBytes }) => ({ names: [name], sizeBytes }));
    const known = new Set(this.figures.images.flatMap(({ names }) => names));
    const preloaded = [...this.initial.names]
      .filter((name) => !known.has(name))
      .map((name) => ({ names: [name], sizeBytes: this.catalogue.image(name).sizeBytes }));
    return [...this.figures.images, ...preloaded, ...pulled]
      .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, reportedImagesMax);
  }

  /** Nobody asks any more for pulls of pods that went; the runtime has finished them all the same. */
  private forget(nowMs: number): void {
    this.queue?.advance(nowMs);
    for (const [key, { endMs = nowMs }] of this.pulls) {
      if (endMs < nowMs - forgottenMs) this.finished(key, nowMs);
    }
  }

  private has(fullName: string): boolean {
    return this.initial.names.has(fullName) || this.pulled.has(fullName);
  }

  private begin(image: Image, askedMs: number): Pull {
    const { figures, prng, initial } = this;
    const { maxParallelPulls: places, pullBytesPerSecond: bytesPerSecond } = figures;
    this.queue ??= new PullQueue({ places, bytesPerSecond }, (digest) => initial.layers.has(digest));
    const overheadMs = sample(figures.pullOverheadMs, prng);
    const failure = this.failureOf(image);
    const isThere = this.has(image.name);
    const pull = { image, isThere, askedMs, overheadMs, failure, startMs: undefined, endMs: undefined };
    this.queue.add(pull, askedMs);
    return pull;
  }

  private leftMs(pull: Pull, nowMs: number): number {
    return Math.max(0, (this.queue?.endOf(pull, nowMs) ?? nowMs) - nowMs);
  }

  /** The runtime's message when the pull is to fail. */
  private failureOf({ name, settings }: Image): string | undefined {
    const drawn = this.figures.pullFailureRate > 0 && this.prng.float() < this.figures.pullFailureRate;
    const registry = name.slice(0, name.indexOf('/'));
    const host = registry.replace(/:\d+$/, '');
    // RFC 6761: .invalid never resolves.
    if (host === 'invalid' || host.endsWith('.invalid')) {
      return pullError(name, `${headOf(name)}: dial tcp: lookup ${host}: no such host`);
    }
    if (settings.fails === 'NotFound') return pullError(name, `${name}: not found`);
    if (settings.fails === 'Unreachable' || drawn) {
      return pullError(name, `${headOf(name)}: dial tcp: connect: connection refused`);
    }
    return undefined;
  }
}

/** containerd's words (wire-samples of a real node). */
function pullError(name: string, reason: string): string {
  return `failed to pull and unpack image "${name}": failed to resolve reference "${name}": ${reason}`;
}

/** The request that asks a registry for a name's manifest. */
function headOf(name: string): string {
  const slash = name.indexOf('/');
  const tag = /[@:][^/]*$/.exec(name);
  const repository = name.slice(slash + 1, tag?.index);
  const reference = tag?.[0].slice(1) ?? 'latest';
  return `failed to do request: Head "https://${name.slice(0, slash)}/v2/${repository}/manifests/${reference}"`;
}
