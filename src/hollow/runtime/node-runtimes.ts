import { ImageCatalogue, type Layer, fullImageName } from './image-catalogue.ts';
import type { ImageSettings } from './images.ts';
import { type RuntimeProfile, loadRuntimeProfile } from './runtime-profile.ts';

/** What a run says of its nodes' runtimes; plain data. */
export type RuntimeSettings = {
  /** Profiles by the name that nodes use; those that come with Hollowmark may be left out. */
  profiles: Readonly<Record<string, RuntimeProfile>>;
  /** What is said of images, by the names that pods use. */
  images: Readonly<Record<string, ImageSettings>>;
  /** Images that every node has from the start, beside those of its runtime. */
  presentImages: readonly string[];
};

/** Containerd, and the images that it has. */
export const defaultRuntimes: RuntimeSettings = { profiles: {}, images: {}, presentImages: [] };

/** What a node runs its pods with. */
export type NodeRuntime = {
  /** For pods without a RuntimeClass; tells the node's system and version. */
  profile: RuntimeProfile;
  /** For pods of a RuntimeClass, by its handler. */
  handlers: Readonly<Record<string, RuntimeProfile>>;
  catalogue: ImageCatalogue;
  initialImages: InitialImages;
};

/** What is on every node from the start: full names, and the layers of those that were asked for. */
export type InitialImages = { names: ReadonlySet<string>; layers: ReadonlySet<Layer['digest']> };

/** The runtimes of a shard's nodes: those of one name share what does not change. */
export class NodeRuntimes {
  private readonly settings: RuntimeSettings;
  private readonly catalogue: ImageCatalogue;
  private readonly made = new Map<string, NodeRuntime>();

  constructor(settings: RuntimeSettings = defaultRuntimes) {
    this.settings = settings;
    this.catalogue = new ImageCatalogue(settings.images);
  }

  /** @throws HollowmarkError `bad-input` when there is none of that name. */
  of(name: string): NodeRuntime {
    let runtime = this.made.get(name);
    if (runtime === undefined) {
      runtime = this.make(name);
      this.made.set(name, runtime);
    }
    return runtime;
  }

  private make(name: string): NodeRuntime {
    const { catalogue } = this;
    const own = this.profile(name);
    const { runtimeClass } = own;
    // A runtime that is chosen by RuntimeClass stands beside that of the other pods.
    const profile = runtimeClass === undefined ? own : this.profile(runtimeClass.host);
    return {
      profile,
      handlers: runtimeClass === undefined ? {} : { [runtimeClass.handler]: own },
      catalogue,
      initialImages: this.initialImages(profile),
    };
  }

  private profile(name: string): RuntimeProfile {
    return this.settings.profiles[name] ?? loadRuntimeProfile(name);
  }

  private initialImages({ images }: RuntimeProfile): InitialImages {
    const present = this.settings.presentImages.map((name) => this.catalogue.image(name));
    return {
      names: new Set([
        ...images.flatMap(({ names }) => names).map(fullImageName),
        ...present.map(({ name }) => name),
      ]),
      layers: new Set(present.flatMap(({ layers }) => layers.map(({ digest }) => digest))),
    };
  }
}
