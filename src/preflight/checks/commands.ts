import type { MachineFacts } from '../facts/facts.ts';

/** A command that only root may run. */
export function asRoot(facts: Pick<MachineFacts, 'isRoot'>, command: string): string {
  return facts.isRoot ? command : `sudo ${command}`;
}
