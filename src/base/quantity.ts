/**
 * Kubernetes quantities as exact whole numbers of 10^-9, so that 0.3 holds three times 0.1.
 * Source: k8s.io/apimachinery/pkg/api/resource/quantity.go.
 */
export type NanoUnits = bigint;

const pattern = /^(\d*)(?:\.(\d*))?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d{1,2})?$/;

/** Longer than any sensible quantity; keeps the arithmetic small. */
const lengthMax = 30;

const binary: Readonly<Record<string, bigint>> = {
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
};

const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};

/** `500m` → 500,000,000n. Smaller fractions than 10^-9 round up, as Kubernetes does. Undefined: no quantity. */
export function parseQuantity(text: string): NanoUnits | undefined {
  if (text.length > lengthMax) return undefined;
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(`${whole}${fraction}`);
  const factor = binary[suffix];
  const exponent = factor === undefined ? (decimalExponents[suffix] ?? Number(suffix.slice(1))) : 0;
  return scale(digits * (factor ?? 1n), exponent + 9 - fraction.length);
}

function scale(value: bigint, exponent: number): bigint {
  if (exponent >= 0) return value * 10n ** BigInt(exponent);
  const divisor = 10n ** BigInt(-exponent);
  return (value + divisor - 1n) / divisor;
}
