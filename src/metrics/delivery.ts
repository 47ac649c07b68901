/*
 * How the observer and the hollow nodes of a run speak of what it writes so as to see when every node has it.
 */

/** Of a Service of the run's own, which all nodes watch. */
export const deliveryAnnotation = 'hollowmark.dev/watch-delivery';

/** One write, as its annotation says: `12 81234567.25 91234567.25`. Machine-wide monotonic microseconds. */
export type DeliveryWrite = {
  /** 1, 2, 3… */
  sequence: number;
  sentUs: number;
  /** When the next one is due: whoever has this one by then has it in time. */
  nextUs: number;
};

export function writeText({ sequence, sentUs, nextUs }: DeliveryWrite): string {
  return `${sequence} ${sentUs} ${nextUs}`;
}

/** Undefined for what is no such text. */
export function readWrite(text: string | undefined): DeliveryWrite | undefined {
  const [sequence = 0, sentUs = 0, nextUs = 0, ...more] = (text ?? '').split(' ').map(Number);
  const isWrite = Number.isInteger(sequence) && sequence > 0 && sentUs > 0 && nextUs > sentUs;
  return isWrite && more.length === 0 ? { sequence, sentUs, nextUs } : undefined;
}

/** How one write came to the nodes of a shard, since the last time that it was told. */
export type DeliveryCount = {
  sequence: number;
  /** Watches that brought it in time, of either kind. */
  kubelets: number;
  proxies: number;
  /** From its send until the last of these had it, and whose that one is; empty without any. */
  slowestUs: number;
  slowestNode: string;
};

/** Of the nodes of a shard, since the last one. */
export type DeliverySnapshot = {
  /** From a write's send until a watch has brought it: HDR V2 base64, microseconds. */
  kubelets: string;
  proxies: string;
  /** Of both: what lay beyond a histogram's hour. */
  clampedCount: number;
  writes: DeliveryCount[];
};
