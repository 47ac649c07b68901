import { expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { Prng } from '../../../src/base/prng.ts';
import { type ShardEnvironment, clientOf } from '../../../src/hollow/environment.ts';
import { CredentialsIdentity } from '../../../src/kube/identity.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';

it('gives hollow nodes clients that repeat requests as client-go does', () => {
  const endpoint = { url: 'https://127.0.0.1:1', caPem: undefined };
  const environment = { endpoint, codec: jsonCodec, clock: systemClock } as ShardEnvironment;
  const identity = new CredentialsIdentity(endpoint, { token: 'x' });
  expect(clientOf(environment, identity, 'test', new Prng('test')).repeats).toBe(true);
});
