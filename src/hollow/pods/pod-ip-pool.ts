import { HollowmarkError } from '../../base/errors.ts';
import { IpRange } from './ip-range.ts';

/**
 * Hands out the addresses of a node's pod CIDRs, each to one pod at a time; the first is the bridge's. With one CIDR of
 * either family a pod has an address of both, at the same place in each.
 */
export class PodIpPool {
  private cidrs = '';
  private ranges: readonly IpRange[] = [];
  /** Of the smallest range. */
  private size = 0;
  private next = 2;
  private free: number[] = [];
  private readonly used = new Map<string, number>();
  /** Addresses that pods have from before, until the CIDRs are known. */
  private readonly reserved = new Map<string, string>();

  /** Whether it is known which addresses the node has. */
  get isAssigned(): boolean {
    return this.cidrs !== '';
  }

  /**
   * The node's ranges, as soon as they are known. Other ones than before take their place: pods keep the addresses that
   * they have.
   */
  assign(cidrs: readonly string[]): void {
    const key = cidrs.join();
    if (key === this.cidrs) return;
    this.ranges = cidrs.map((cidr) => new IpRange(cidr));
    this.cidrs = key;
    this.size = Math.min(...this.ranges.map(({ size }) => size));
    this.next = 2;
    this.free = [];
    this.used.clear();
    for (const [uid, address] of this.reserved) this.reserve(uid, address);
    this.reserved.clear();
  }

  /** A pod has this address already, from before the kubelet started. */
  reserve(uid: string, address: string): void {
    if (!this.isAssigned) {
      this.reserved.set(uid, address);
      return;
    }
    const [first = ''] = address.split(',');
    const offset = this.ranges.map((range) => range.offsetOf(first)).find((found) => found !== undefined);
    if (offset === undefined || offset < 2 || offset >= this.size - 1 || this.used.has(uid)) return;
    this.used.set(uid, offset);
    // Fresh addresses go on behind it; what lies between is free.
    for (; this.next <= offset; this.next++) if (this.next !== offset) this.free.push(this.next);
    const index = this.free.indexOf(offset);
    if (index >= 0) this.free.splice(index, 1);
  }

  /** Whether an address can be taken. */
  get available(): boolean {
    return this.free.length > 0 || this.next < this.size - 1;
  }

  /** The pod's address; with two ranges one of each, in their order and with a comma in between. */
  take(uid: string): string {
    let offset = this.used.get(uid);
    if (offset === undefined) {
      // Fresh addresses first: a reused one could still be in somebody's connection table.
      offset = this.next < this.size - 1 ? this.next++ : this.free.shift();
      if (offset === undefined) throw new HollowmarkError('internal', 'no pod address left on the node');
      this.used.set(uid, offset);
    }
    const place = offset;
    return this.ranges.map((range) => range.at(place)).join();
  }

  release(uid: string): void {
    this.reserved.delete(uid);
    const offset = this.used.get(uid);
    if (offset === undefined) return;
    this.used.delete(uid);
    this.free.push(offset);
  }
}
