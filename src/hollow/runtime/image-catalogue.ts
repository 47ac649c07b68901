import { Prng } from '../../base/prng.ts';
import { type Distribution, sample } from './distribution.ts';
import type { ImageSettings } from './images.ts';

/** A layer is known by its digest: images that share one share its bytes. */
export type Layer = { digest: string; sizeBytes: number };

export type Image = {
  /** In full: `docker.io/library/busybox:latest`. */
  name: string;
  sizeBytes: number;
  layers: readonly Layer[];
  settings: ImageSettings;
};

/**
 * Compressed sizes, an estimate: base images have 2 to 80 MB, what is put on top of them mostly less than that, and some
 * images have more than a gigabyte.
 */
const ownBytes: Distribution = { logNormal: { median: 40e6, p99: 900e6 } };
const baseBytes: Distribution = { logNormal: { median: 25e6, p99: 90e6 } };

/** Different base images in use: as there are few distributions, most images share one with others. */
const baseImages = 8;

const ownLayersMax = 12;

/**
 * What a registry would say of images: size and layers, by name alone, so that every node and every run gets the same.
 * One for all nodes of a runtime: what it has worked out is kept.
 */
export class ImageCatalogue {
  private readonly settings: Readonly<Record<string, ImageSettings>>;
  private readonly known = new Map<string, Image>();

  /** @param settings by the image's name as users write it. */
  constructor(settings: Readonly<Record<string, ImageSettings>> = {}) {
    this.settings = Object.fromEntries(
      Object.entries(settings).map(([name, image]) => [fullImageName(name), image]),
    );
  }

  /** @param name as in a pod's spec. */
  image(name: string): Image {
    const full = fullImageName(name);
    let image = this.known.get(full);
    if (image === undefined) {
      image = describe(full, this.settings[full] ?? {});
      this.known.set(full, image);
    }
    return image;
  }
}

function describe(name: string, settings: ImageSettings): Image {
  const prng = new Prng(`image/${name}`);
  const base = baseLayer(prng.below(baseImages));
  const drawn = base.sizeBytes + Math.round(sample(ownBytes, prng));
  const sizeBytes = settings.sizeBytes ?? drawn;
  const count = settings.layers ?? 2 + prng.below(ownLayersMax);
  // An image smaller than the base has nothing of it.
  const bases = count > 1 && sizeBytes > base.sizeBytes ? [base] : [];
  let leftBytes = sizeBytes - (bases[0]?.sizeBytes ?? 0);
  const own = count - bases.length;
  const layers = Array.from({ length: own }, (_, i) => {
    // The last layer is what remains; a layer before it has some part of that.
    const layerBytes = i === own - 1 ? leftBytes : Math.floor(leftBytes * prng.between(0, 2 / (own - i)));
    leftBytes -= layerBytes;
    return { digest: `${name}/${i}`, sizeBytes: layerBytes };
  });
  return { name, sizeBytes, layers: [...bases, ...layers], settings };
}

function baseLayer(index: number): Layer {
  return {
    digest: `base/${index}`,
    sizeBytes: Math.round(sample(baseBytes, new Prng(`base image ${index}`))),
  };
}

/** `busybox` → `docker.io/library/busybox:latest`: as runtimes complete names (distribution/reference). */
export function fullImageName(name: string): string {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(0, slash));
  const hasRegistry = /[.:]/.test(first) || first === 'localhost';
  const path = hasRegistry ? name : slash < 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
  return /[@:][^/]*$/.test(path) ? path : `${path}:latest`;
}
