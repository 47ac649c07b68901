import { isIPv4, isIPv6 } from 'node:net';
import { HollowmarkError } from '../../base/errors.ts';

/** More addresses of a range than any node has pods; IPv6 ranges have 2^64 and more. */
const sizeMax = 2 ** 16;

/** The addresses of a CIDR, IPv4 or IPv6, by their place in it. */
export class IpRange {
  readonly size: number;
  /** Of an address, the groups (IPv4: 32 bits in one, IPv6: 16 bits each) before the last, and the first last one. */
  private readonly head: readonly number[];
  private readonly base: number;

  /** @throws HollowmarkError when it is no CIDR. */
  constructor(cidr: string) {
    const [address = '', prefix = ''] = cidr.split('/');
    const groups = groupsOf(address);
    const bits = groups.length === 1 ? 32 : 128;
    if (groups.length === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > bits) {
      throw new HollowmarkError('internal', `${cidr} is no range of addresses`);
    }
    this.size = Math.min(sizeMax, 2 ** (bits - Number(prefix)));
    const last = groups.at(-1) ?? 0;
    this.base = last - (last % this.size);
    this.head = groups.slice(0, -1);
  }

  at(offset: number): string {
    const last = this.base + offset;
    if (this.head.length === 0) return [24, 16, 8, 0].map((shift) => (last >>> shift) & 255).join('.');
    return canonical([...this.head, last].map((group) => group.toString(16)).join(':'));
  }

  /** Where in the range an address is; undefined when it is not. */
  offsetOf(address: string): number | undefined {
    const groups = groupsOf(address);
    const same =
      groups.length === this.head.length + 1 && this.head.every((group, index) => group === groups[index]);
    const offset = (groups.at(-1) ?? 0) - this.base;
    return same && offset >= 0 && offset < this.size ? offset : undefined;
  }
}

/** An IPv6 address as RFC 5952 wants it, which is how URLs are written. */
function canonical(address: string): string {
  const url = new URL('https://127.0.0.1');
  url.hostname = `[${address}]`;
  return url.hostname.slice(1, -1);
}

/** One number of an IPv4 address, eight of an IPv6 address, none of anything else. */
function groupsOf(address: string): number[] {
  if (isIPv4(address)) return [address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)];
  if (!isIPv6(address) || address.includes('%')) return [];
  const [left = '', right] = canonical(address).split('::');
  const numbers = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [numbers(left), numbers(right ?? '')];
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}
