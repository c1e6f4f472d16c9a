/** Tails of the binomial distribution, exact up to rounding, for any counts. */

/**
 * Pr(Bin(n, share) ≤ k). `k` and `n` need not be whole: between whole numbers it runs smoothly, which expected
 * counts need. Source: identity with the regularised incomplete beta function, I(1 − share; n − k, k + 1).
 */
export function binomialLowerTail(k: number, n: number, share: number): number {
  if (k < 0) return 0;
  if (k >= n) return 1;
  return regularisedBeta(1 - share, n - k, k + 1);
}

/** Pr(Bin(n, share) ≥ k). */
export const binomialUpperTail = (k: number, n: number, share: number): number =>
  k <= 0 ? 1 : 1 - binomialLowerTail(k - 1, n, share);

/** Fewest observations, none of them wrong, that certify `share` with error at most `alpha`: (1 − share)^n ≤ alpha. */
export const faultlessMin = (share: number, alpha: number): number => Math.ceil(Math.log(alpha) / Math.log1p(-share));

/** Regularised incomplete beta function I(x; a, b), a and b > 0. Continued fraction by the modified Lentz method. */
export function regularisedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b));
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b;
}

/** Converges in about √max(a, b) terms; 20,000 labels need some 150. */
const termsMax = 1_000;
const tiny = 1e-300;

function fraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = guarded(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= termsMax; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = guarded(1 + even * d);
    c = 1 + even / c;
    if (Math.abs(c) < tiny) c = tiny;
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = guarded(1 + odd * d);
    c = 1 + odd / c;
    if (Math.abs(c) < tiny) c = tiny;
    const factor = d * c;
    result *= factor;
    if (Math.abs(factor - 1) < 1e-14) break;
  }
  return result;
}

const guarded = (value: number): number => 1 / (Math.abs(value) < tiny ? tiny : value);

const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** ln Γ(x), x > 0, to about 15 digits. Lanczos approximation, g = 7. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  let sum = 0.9999999999998099;
  for (let i = 0; i < lanczos.length; i++) sum += lanczos[i]! / (x + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}
