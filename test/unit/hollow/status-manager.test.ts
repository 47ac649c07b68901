import { describe, expect, it } from 'vitest';
import type { KubeletContext } from '../../../src/hollow/context.ts';
import type { KubeletRequest, Tag } from '../../../src/hollow/effects.ts';
import { StatusManager } from '../../../src/hollow/pods/status-manager.ts';
import { wireProfile } from '../../../src/hollow/wire-profile.ts';

const alive = { finished: false, deleting: false };
const running = { phase: 'Running' };

/** A status manager, and what it has asked for since the last look. */
function manager(): { statuses: StatusManager; drain: () => string[] } {
  let asked: string[] = [];
  const context = {
    wire: wireProfile(),
    now: { us: 0, wallMs: 0 },
    after: (delayMs: number) => asked.push(`wait ${delayMs}`),
    request: (_: string, { method }: KubeletRequest, tag: Tag) =>
      asked.push(`${method} ${'uid' in tag ? tag.uid : ''}`),
  } as unknown as KubeletContext;
  const statuses = new StatusManager(context, {
    pathOf: (uid) => `/pods/${uid}`,
    onSynced: () => {},
    onGone: () => {},
  });
  const drain = (): string[] => {
    const before = asked;
    asked = [];
    return before;
  };
  return { statuses, drain };
}

const podOf = (uid: string, status: object = {}): object => ({ metadata: { uid }, status });

describe('a status that could not be written', () => {
  it('is tried again as soon as any pod’s changes, and then not once more with the period', () => {
    const { statuses, drain } = manager();
    statuses.set('a', running, alive);
    statuses.onAnswer('get', 'a', 403, undefined);
    expect(drain()).toEqual(['GET a', 'wait 10000']);
    statuses.set('b', running, alive);
    statuses.onAnswer('get', 'b', 200, podOf('b', running));
    expect(drain()).toEqual(['GET b', 'GET a']);
    statuses.onAnswer('get', 'a', 200, podOf('a'));
    statuses.onAnswer('patch', 'a', 200, undefined);
    expect(drain()).toEqual(['PATCH a']);
    statuses.onTimer();
    expect(drain()).toEqual([]);
  });

  it('and has changed meanwhile is written as it is now, once', () => {
    const { statuses, drain } = manager();
    statuses.set('a', { phase: 'Pending' }, alive);
    statuses.onAnswer('get', 'a', 403, undefined);
    statuses.set('a', running, alive);
    statuses.onAnswer('get', 'a', 200, podOf('a', running));
    statuses.onTimer();
    expect(drain()).toEqual(['GET a', 'wait 10000', 'GET a']);
  });

  it('is tried again with the period when nothing changes', () => {
    const { statuses, drain } = manager();
    statuses.set('a', running, alive);
    statuses.onAnswer('get', 'a', 0, undefined);
    statuses.onTimer();
    expect(drain()).toEqual(['GET a', 'wait 10000', 'GET a']);
  });
});

it('a status that somebody else has changed is compared with the period, whatever other pods do', () => {
  const { statuses, drain } = manager();
  statuses.compareLater('a', running, {});
  statuses.set('b', running, alive);
  statuses.onAnswer('get', 'b', 200, podOf('b', running));
  expect(drain()).toEqual(['wait 10000', 'GET b']);
  statuses.onTimer();
  expect(drain()).toEqual(['GET a']);
});
