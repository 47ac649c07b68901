/**
 * A seeded generator (xoshiro128**, Blackman and Vigna 2018, public domain algorithm). One per purpose, split by
 * name, so that adding a consumer in one place does not change the decisions in another.
 */
export class Prng {
  private a: number;
  private b: number;
  private c: number;
  private d: number;
  private readonly key: string;

  constructor(seed: number | string) {
    this.key = String(seed);
    let h = 0x811c9dc5;
    const next = (): number => {
      // splitmix32 over an FNV-1a hash of the seed's text.
      h = (h + 0x9e3779b9) | 0;
      let z = h;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return z ^ (z >>> 15);
    };
    for (let i = 0; i < this.key.length; i++) h = Math.imul(h ^ this.key.charCodeAt(i), 0x01000193);
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1;
  }

  /** A generator of its own for `name`; the same seed and name always give the same one. */
  fork(name: string): Prng {
    return new Prng(`${this.key}/${name}`);
  }

  /** A 32-bit unsigned integer. */
  uint32(): number {
    const s = Math.imul(this.b, 5);
    const result = Math.imul((s << 7) | (s >>> 25), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** Uniform in [0, 1). */
  float(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.float();
  }

  /** An integer, uniform in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }
}
