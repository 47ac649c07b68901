/**
 * How work hears of nodes that end by themselves, and for which it would wait else.
 * @returns what nodes call with their last words, and a promise that then rejects; it never resolves.
 */
export function nodeLoss(): { onLost: (error: Error) => void; lost: Promise<never> } {
  let onLost: (error: Error) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    onLost = reject;
  });
  // That nobody waits for it at the moment is no fault.
  lost.catch(() => {});
  return { onLost, lost };
}
