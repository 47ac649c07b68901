import type { LocalCluster } from '../../cluster/local-cluster.ts';
import type { ChildRegister } from '../../journal/guardian.ts';

/** What a contender is given, new for each measurement. */
export type ContenderOptions = {
  cluster: LocalCluster;
  nodes: number;
  /** A folder of its own, which is there. */
  dir: string;
  children: ChildRegister;
};

/** Something that plays nodes. Each node carries the label of the measurement and has room for 110 pods. */
export interface Contender {
  /** Begins to bring the nodes up; whether they are Ready the API server tells. */
  start(options: ContenderOptions): Promise<void>;
  /** Ids of all processes that play nodes: their memory and CPU are what is measured. */
  pids(): number[];
  /** Watches that it holds open now; undefined where it does not tell. */
  watches(): number | undefined;
  stop(): Promise<void>;
}
