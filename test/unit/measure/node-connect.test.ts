import { beforeEach, describe, expect, it } from 'vitest';
import { NodeConnect } from '../../../src/measure/node-connect.ts';
import type { NodeState } from '../../../src/measure/observer.ts';

let states: Map<string, NodeState>;
let connect: NodeConnect;

beforeEach(() => {
  states = new Map();
  connect = new NodeConnect({ node: (name) => states.get(name) });
});

const see = (name: string, ready: boolean, readyUs: number, readyDelayUs = 0): void => {
  states.set(name, { ready, readyUs, readyDelayUs, lapses: 0, taints: [] });
};

const report = (name: string, startUs: number, registeredUs: number, again = 0): void =>
  connect.shard({ nodeConnects: { nodes: [name], times: Float64Array.of(startUs, registeredUs, again) } });

const told = (): unknown[] =>
  (connect.tell([]).slis ?? []).map(({ labels, count, max }) => [
    labels['phase'],
    labels['start'],
    count,
    max,
  ]);

describe('NodeConnect', () => {
  it('has nothing to tell of no node', () => {
    expect(connect.tell([]).slis).toEqual([]);
  });

  it('counts from the start of a kubelet to its node and to Ready, whichever is heard of first', () => {
    see('early', true, 1300);
    report('early', 1000, 1200);
    report('late', 1000, 1400);
    connect.sample();
    see('late', true, 1900);
    connect.sample();
    connect.sample();
    expect(told()).toEqual([
      ['registered', 'first', 2, 400],
      ['ready', 'first', 2, 900],
    ]);
  });

  it('counts nodes that return apart, and no Ready of one that was so all the while', () => {
    see('crashed', false, 100);
    see('restarted', true, 100);
    report('crashed', 1000, 1100, 1);
    report('restarted', 1000, 1100, 1);
    see('crashed', true, 1500);
    connect.sample();
    // Years later it ceases to be Ready for another reason.
    see('restarted', true, 900_000);
    connect.sample();
    expect(told()).toEqual([
      ['registered', 'again', 2, 100],
      ['ready', 'again', 1, 500],
    ]);
  });

  it('has a lower bound of what ends with the observer: less its delay', () => {
    see('a', true, 3000, 600);
    report('a', 1000, 2000);
    const bounds = (connect.tell([]).slis ?? []).map(({ labels, lowerBound }) => [
      labels['phase'],
      lowerBound?.max,
    ]);
    expect(bounds).toEqual([
      ['registered', undefined],
      ['ready', 1400],
    ]);
  });

  it('is judged where the scenario says so', () => {
    see('a', true, 3000);
    report('a', 1000, 2000);
    const threshold = {
      sli: 'node-connect',
      labels: { phase: 'ready' },
      quantile: 0.5,
      thresholdMs: 1,
    };
    const { slis = [] } = connect.tell([threshold]);
    expect(slis.map(({ labels, slo }) => [labels['phase'], slo?.threshold])).toEqual([
      ['registered', undefined],
      ['ready', 1000],
    ]);
  });
});
