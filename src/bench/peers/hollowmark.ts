import { systemClock } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { Fleet } from '../../fleet/fleet.ts';
import { parseScenario } from '../../scenario/load-scenario.ts';
import { nodeConfigs } from '../../scenario/nodes.ts';
import type { Contender, ContenderOptions } from './contender.ts';
import { measurementId } from './measure.ts';

const scenarioText = 'name: bench\nnodes: {count: 1}\nphases: [{type: steady, duration: 1s}]\n';

/** Hollowmark's own fleet, with proxies. */
export class HollowmarkContender implements Contender {
  private fleet: Fleet | undefined;

  start({ cluster, nodes, children }: ContenderOptions): Promise<void> {
    const { scenario } = parseScenario(scenarioText, 'bench', { nodes, sets: [] });
    this.fleet = new Fleet({
      nodes: nodeConfigs(scenario, cluster.version, measurementId),
      proxies: true,
      seed: 'bench',
      endpoint: cluster.endpoint,
      identities: cluster.nodeIdentities,
      clock: systemClock,
      onReport: () => {},
    });
    children.add('fleet', this.fleet.pid);
    return Promise.resolve();
  }

  pids(): number[] {
    return this.fleet === undefined ? [] : [this.fleet.pid];
  }

  watches(): number | undefined {
    return this.fleet?.totals().watches;
  }

  async stop(): Promise<void> {
    if (this.fleet === undefined) throw new HollowmarkError('internal', 'the fleet was not started');
    await this.fleet.stop();
  }
}
