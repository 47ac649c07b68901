import { type Amounts, type PodSpec, podAmounts } from './pod-record.ts';

/** What the pods that have not ended request together, and how many they are. */
export class Requests {
  readonly amounts: Amounts = {};
  private readonly counted = new Set<string>();

  get pods(): number {
    return this.counted.size;
  }

  count(spec: PodSpec): void {
    this.counted.add(spec.uid);
    this.add(spec, 1);
  }

  uncount(spec: PodSpec): void {
    if (this.counted.delete(spec.uid)) this.add(spec, -1);
  }

  private add(spec: PodSpec, sign: 1 | -1): void {
    for (const [name, amount] of Object.entries(podAmounts(spec, 'requests'))) {
      this.amounts[name] = (this.amounts[name] ?? 0) + sign * amount;
    }
  }
}
