import type { ImageStore } from '../runtime/images.ts';

/** A store that has every image, as if all had been pulled long ago. */
export const presentImages: ImageStore = {
  ask: () => ({ is: 'present' }),
  finished: () => ({ pulledBytes: 0, tookMs: 0, waitedMs: 0 }),
};
