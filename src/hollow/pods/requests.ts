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
    for (const [name, amount] of Object.entries(podAmounts(spec, 'requests'))) {
      this.amounts[name] = (this.amounts[name] ?? 0) + amount;
    }
  }

  uncount(spec: PodSpec): void {
    if (!this.counted.delete(spec.uid)) return;
    for (const [name, amount] of Object.entries(podAmounts(spec, 'requests'))) {
      this.amounts[name] = (this.amounts[name] ?? 0) - amount;
    }
  }
}
