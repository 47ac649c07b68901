import { parseQuantity } from '../../base/quantity.ts';

const unitMs: Record<string, number> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/** A Go duration (`1h30m`, `2.5s`, `150ms`) as milliseconds; undefined when it is none, or negative. */
export function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:h|ms|m|s|us|µs|ns))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g)) {
    ms += Number(number) * (unitMs[unit as string] as number);
  }
  return ms;
}

/** A scenario's pods have few distinct quantities, and each is asked for again and again. */
const amounts = new Map<string, number>();
const amountsMax = 1000;

/** Whole units as a kubelet counts a resource: thousandths of a core, or whatever else in ones, rounded up. */
export function resourceAmount(resource: string, quantity: string): number {
  const key = resource === 'cpu' ? `cpu ${quantity}` : quantity;
  let amount = amounts.get(key);
  if (amount === undefined) {
    amount = wholeUnits(resource, quantity);
    if (amounts.size >= amountsMax) amounts.clear();
    amounts.set(key, amount);
  }
  return amount;
}

function wholeUnits(resource: string, quantity: string): number {
  const nano = parseQuantity(quantity) ?? 0n;
  const unit = resource === 'cpu' ? 1_000_000n : 1_000_000_000n;
  return Number((nano + unit - 1n) / unit);
}

/** A quantity of bytes (`200Mi`), rounded up; undefined when it is none. */
export function parseBytes(text: string): number | undefined {
  return parseQuantity(text) === undefined ? undefined : resourceAmount('memory', text);
}

const binaryUnits = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** Bytes as Kubernetes writes a binary quantity: in the largest unit that divides it (`200Mi`, `1536Ki`). */
export function formatBytes(bytes: number): string {
  let count = bytes;
  let unit = '';
  for (const next of binaryUnits) {
    if (count === 0 || count % 1024 !== 0) break;
    count /= 1024;
    unit = next;
  }
  return `${count}${unit}`;
}

/** What {@link resourceAmount} has counted, as Kubernetes writes the quantity. */
export function formatAmount(resource: string, amount: number): string {
  if (resource === 'cpu') return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  return resource === 'memory' || resource === 'ephemeral-storage' ? formatBytes(amount) : String(amount);
}
