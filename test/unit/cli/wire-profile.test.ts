import { describe, expect, it } from 'vitest';
import { nodeIdentityOf } from '../../../src/cli/options.ts';
import { wireNotes, wireProfile, wireProfileNames } from '../../../src/hollow/wire-profile.ts';

describe('--profile', () => {
  it('leaves the identity to --identity, unless the nodes share one', () => {
    expect(nodeIdentityOf({ profile: undefined, identity: undefined })).toBeUndefined();
    expect(nodeIdentityOf({ profile: 'kubemark', identity: 'impersonation' })).toBe('impersonation');
    expect(nodeIdentityOf({ profile: 'lite', identity: undefined })).toBe('pooled');
    expect(nodeIdentityOf({ profile: 'lite', identity: 'pooled' })).toBe('pooled');
    expect(() => nodeIdentityOf({ profile: 'lite', identity: 'certificate' })).toThrow(
      '--profile lite has one identity for all nodes, and --identity says certificate',
    );
  });

  it('is marked in the notes of a run where its figures are not those of real nodes', () => {
    const marked = wireProfileNames.filter((name) => wireNotes(wireProfile(name)).length > 0);
    expect(marked).toEqual(['lite']);
  });
});
