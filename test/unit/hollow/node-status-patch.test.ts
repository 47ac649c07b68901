import { expect, test } from 'vitest';
import { nodeStatusPatch } from '../../../src/hollow/node/node-object.ts';

const addresses = [
  { type: 'InternalIP', address: '100.64.0.1' },
  { type: 'Hostname', address: 'n' },
];

test('addresses that have changed take the place of all that there were', () => {
  const known = {
    addresses: [
      { type: 'InternalIP', address: '100.64.0.9' },
      { type: 'ExternalIP', address: 'x' },
    ],
  };
  expect(nodeStatusPatch(known, { addresses })).toEqual({
    status: { addresses: [...addresses, { $patch: 'replace' }] },
  });
  for (const none of [{}, { addresses: [] }]) {
    expect(nodeStatusPatch(none, { addresses })).toEqual({ status: { addresses } });
  }
  expect(nodeStatusPatch({ addresses }, { addresses: structuredClone(addresses) })).toEqual({});
});
