import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { HollowmarkError } from '../base/errors.ts';
import { loopback } from './argv/config.ts';
import { componentNames, perComponent } from './components.ts';
import type { ComponentName } from './control-plane.ts';

/**
 * Below the ranges from which Linux (32768) and macOS (49152) take source ports: while a component restarts,
 * thousands of clients reconnect, and one of them could be given the component's port as its own.
 */
const portMin = 20_000;
export const portMax = 30_000;

/** Ports that are tried for one component; in a range of 10,000 that is never the problem. */
const attemptsMax = 50;

/**
 * A free loopback port for each component. Somebody else may take one before the component binds it: the caller
 * must be ready to choose again.
 * @throws `cluster-unavailable` when no port can be bound.
 */
export async function choosePorts(): Promise<Record<ComponentName, number>> {
  const ports = perComponent(() => 0);
  const taken = new Set<number>();
  for (const name of componentNames) {
    ports[name] = await choosePort(taken);
    taken.add(ports[name]);
  }
  return ports;
}

/**
 * A free loopback port that is not among `taken`.
 * @throws as {@link choosePorts}.
 */
export async function choosePort(taken: ReadonlySet<number>): Promise<number> {
  let cause: unknown;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const port = randomInt(portMin, portMax);
    if (taken.has(port)) continue;
    try {
      await tryBind(port);
      return port;
    } catch (error) {
      cause = error;
    }
  }
  throw new HollowmarkError(
    'cluster-unavailable',
    `no free port on ${loopback} between ${portMin} and ${portMax} after ${attemptsMax} attempts`,
    { cause },
  );
}

function tryBind(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: loopback, port, exclusive: true }, () => server.close(() => resolve()));
  });
}
