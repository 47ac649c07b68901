/** Runs `work` over all items, `parallelMax` at a time and in their order; the first error ends it. */
export async function inParallel<T>(
  items: readonly T[],
  parallelMax: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const item = items[next++] as T;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallelMax, items.length) }, lane));
}
