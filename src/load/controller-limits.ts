/** Writes a second that Kubernetes' own flags allow each controller; ours and some of others allow more. */
const writesPerSecond = 20;

/** For a controller that does not begin at once, as when another replica has to take over. */
const extraMs = 120_000;

/** When a controller has not come forward for so long, it is taken for one that does nothing. */
export const stalledMs = 120_000;

/** How long a controller may take for so many writes: twice what they take at its rate, and a start. */
export function controllerTimeoutMs(writes: number): number {
  return extraMs + (2 * writes * 1000) / writesPerSecond;
}
