import { HollowmarkError, errorMessage } from '../../base/errors.ts';

/**
 * Starts nodes, or leaves nothing of them.
 * @param nodes for messages: `a real node`.
 * @throws HollowmarkError what `start` throws; `interrupted` when the signal aborts, else `cluster-unavailable` for an
 * error of the system.
 */
export async function startOrClear(
  nodes: string,
  signal: AbortSignal,
  start: () => Promise<void>,
  clear: () => Promise<void>,
): Promise<void> {
  try {
    await start();
  } catch (cause) {
    await clear();
    if (cause instanceof HollowmarkError) throw cause;
    throw signal.aborted
      ? new HollowmarkError('interrupted', `the start of ${nodes} was interrupted`, { cause })
      : new HollowmarkError('cluster-unavailable', `${nodes} cannot be started: ${errorMessage(cause)}`, {
          cause,
        });
  }
}
