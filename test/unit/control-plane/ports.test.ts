import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { choosePorts } from '../../../src/control-plane/ports.ts';

it('chooses different ports that can be bound, outside of the ranges for source ports', async () => {
  const ports = Object.values(await choosePorts());
  expect(new Set(ports).size).toBe(4);
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(30_000);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await new Promise((resolve) => server.close(resolve));
  }
});
