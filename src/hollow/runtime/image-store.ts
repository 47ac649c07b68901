import type { Prng } from '../../base/prng.ts';
import { sample } from './distribution.ts';
import type { Image, ImageCatalogue } from './image-catalogue.ts';
import type { ImageAnswer, ImageStore, PullOutcome, PullPolicy } from './images.ts';
import type { InitialImages, NodeRuntime } from './node-runtimes.ts';
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

type Pull = { image: Image; askedMs: number; startMs: number; endMs: number; failure: string | undefined };

/**
 * The images of one node. A pull's end is decided when it is asked for: it begins when one of the places for parallel
 * pulls is free, and has, until its end, the share of the bandwidth that it finds when it begins (the whole of it, when
 * images are pulled one after the other). A layer that is there, or that an earlier pull is fetching, is not fetched again.
 */
export class NodeImages implements ImageStore {
  private readonly figures: PullFigures;
  private readonly catalogue: ImageCatalogue;
  /** Shared among nodes. */
  private readonly initial: InitialImages;
  private readonly prng: Prng;
  private readonly pulled = new Map<string, Image>();
  /** Layers of what was pulled, and of pulls under way, with the time at which each is there. */
  private readonly layers = new Map<string, number>();
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
    const pull = this.plan(image, nowMs);
    this.pulls.set(key, pull);
    return { is: 'pulling', key, endsInMs: pull.endMs - nowMs };
  }

  finished(key: string, nowMs: number): PullOutcome {
    const pull = this.pulls.get(key);
    this.pulls.delete(key);
    if (pull === undefined) return { error: 'ErrImagePull', message: 'the pull was given up' };
    if (pull.failure !== undefined) return { error: 'ErrImagePull', message: pull.failure };
    const { image } = pull;
    if (!this.has(image.name)) this.pulled.set(image.name, image);
    return {
      pulledBytes: image.sizeBytes,
      tookMs: nowMs - pull.startMs,
      waitedMs: pull.startMs - pull.askedMs,
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
    for (const [key, pull] of this.pulls) if (pull.endMs < nowMs - forgottenMs) this.finished(key, nowMs);
  }

  private has(fullName: string): boolean {
    return this.initial.names.has(fullName) || this.pulled.has(fullName);
  }

  private plan(image: Image, nowMs: number): Pull {
    const { figures, prng } = this;
    const ends = [...this.pulls.values()].map((pull) => pull.endMs).toSorted((a, b) => a - b);
    const startMs = Math.max(nowMs, ends.at(-figures.maxParallelPulls) ?? nowMs);
    const overheadMs = sample(figures.pullOverheadMs, prng);
    const failure = this.failureOf(image);
    const common = { image, askedMs: nowMs, startMs, failure };
    if (failure !== undefined) return { ...common, endMs: startMs + overheadMs };
    const sharing = 1 + ends.filter((endMs) => endMs > startMs).length;
    const missing = this.has(image.name)
      ? []
      : image.layers.filter(({ digest }) => !this.layers.has(digest) && !this.initial.layers.has(digest));
    const missingBytes = missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const fetchMs = (missingBytes / figures.pullBytesPerSecond) * sharing * 1000;
    const others = image.layers.map(({ digest }) => this.layers.get(digest) ?? startMs);
    const endMs = Math.max(startMs + overheadMs + fetchMs, ...others);
    for (const { digest } of missing) this.layers.set(digest, endMs);
    return { ...common, endMs };
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
