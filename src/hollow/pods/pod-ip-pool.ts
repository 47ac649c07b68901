import { HollowmarkError } from '../../base/errors.ts';

/** Hands out the addresses of a node's pod CIDR (IPv4), each to one pod at a time; the first is the bridge's. */
export class PodIpPool {
  private base = 0;
  private size = 0;
  private next = 2;
  private readonly free: number[] = [];
  private readonly used = new Map<string, number>();
  /** Addresses that pods have from before, until the pod CIDR is known. */
  private readonly reserved = new Map<string, string>();

  /** The node's spec.podCIDR, as soon as the controller manager has given it one. Later calls change nothing. */
  assign(cidr: string): void {
    if (this.size > 0) return;
    const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
    if (match === null) throw new HollowmarkError('internal', `pod CIDR ${cidr} is not IPv4`);
    const [a, b, c, d, prefix] = match.slice(1).map(Number) as [number, number, number, number, number];
    this.base = ((a * 256 + b) * 256 + c) * 256 + d;
    this.size = 2 ** (32 - prefix);
    for (const [uid, address] of this.reserved) this.reserve(uid, address);
    this.reserved.clear();
  }

  /** A pod has this address already, from before the kubelet started. */
  reserve(uid: string, address: string): void {
    if (this.size === 0) {
      this.reserved.set(uid, address);
      return;
    }
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    const offset = ((a * 256 + b) * 256 + c) * 256 + d - this.base;
    if (offset < 2 || offset >= this.size - 1 || this.used.has(uid)) return;
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

  take(uid: string): string {
    let offset = this.used.get(uid);
    if (offset === undefined) {
      // Fresh addresses first: a reused one could still be in somebody's connection table.
      offset = this.next < this.size - 1 ? this.next++ : this.free.shift();
      if (offset === undefined) throw new HollowmarkError('internal', 'no pod address left on the node');
      this.used.set(uid, offset);
    }
    const address = this.base + offset;
    return `${Math.floor(address / 0x1000000)}.${(address >> 16) & 255}.${(address >> 8) & 255}.${address & 255}`;
  }

  release(uid: string): void {
    this.reserved.delete(uid);
    const offset = this.used.get(uid);
    if (offset === undefined) return;
    this.used.delete(uid);
    this.free.push(offset);
  }
}
