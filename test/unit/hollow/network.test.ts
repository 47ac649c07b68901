import { describe, expect, test } from 'vitest';
import { Network } from '../../../src/hollow/network.ts';
import { HandshakeGate } from '../../../src/kube/handshake-gate.ts';

describe('the network of a node', () => {
  test('lets connections through while it is whole, as many as its gate does', () => {
    const network = new Network(new HandshakeGate(1));
    const opened: string[] = [];
    network.enter(() => opened.push('first'));
    network.enter(() => opened.push('second'));
    expect(opened).toEqual(['first']);
    network.leave();
    expect(opened).toEqual(['first', 'second']);
  });

  test('lets none through while it is cut, and then all that wait, once each', () => {
    const gate = new HandshakeGate(1);
    const network = new Network(gate);
    const opened: string[] = [];
    network.cut();
    for (const name of ['a', 'b']) {
      network.enter(() => {
        opened.push(name);
        network.leave();
      });
    }
    expect(opened).toEqual([]);
    // What waits here takes no room from other nodes.
    gate.enter(() => opened.push('neighbour'));
    gate.leave();
    network.restore();
    expect(opened).toEqual(['neighbour', 'a', 'b']);
    network.restore();
    expect(opened).toHaveLength(3);
  });

  test('keeps back what waited for its turn when it was cut', () => {
    const gate = new HandshakeGate(1);
    const network = new Network(gate);
    const opened: string[] = [];
    gate.enter(() => {});
    network.enter(() => opened.push('late'));
    network.cut();
    gate.leave();
    expect(opened).toEqual([]);
    network.restore();
    expect(opened).toEqual(['late']);
  });
});
