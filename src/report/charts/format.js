// Numbers as people read them. Plain JavaScript without imports, because the page inlines this text and Node
// imports it: a figure looks the same in the table, the tooltip, the PNG and the terminal.

/** Three significant digits, no trailing zeros, no exponent: 1.25, 12.5, 125, 1,250. */
export function formatNumber(value) {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/** Whole numbers with thousands separated. */
export function formatCount(value) {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '–';
}

/** Microseconds: 850 µs, 12.5 ms, 1.24 s, 2 min 5 s, 1 h 3 min. */
export function formatDurationUs(us) {
  if (!Number.isFinite(us)) return '–';
  if (us < 0) return `-${formatDurationUs(-us)}`;
  if (us < 999.5) return `${formatNumber(us)} µs`;
  if (us < 999_500) return `${formatNumber(us / 1000)} ms`;
  if (us < 59_950_000) return `${formatNumber(us / 1e6)} s`;
  const seconds = Math.round(us / 1e6);
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return minutes === 0 ? `${hours} h` : `${hours} h ${minutes} min`;
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

/** Bytes in binary units: 151 MB would be 144 MiB. */
export function formatBytes(bytes) {
  if (!Number.isFinite(bytes)) return '–';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${formatNumber(value)} ${units[unit]}`;
}

/** Milliseconds since the run's start, as a stopwatch shows them: 0:07, 12:30, 1:02:03. */
export function formatElapsedMs(ms) {
  const seconds = Math.round(Math.abs(ms) / 1000);
  const sign = ms < -499 ? '-' : '';
  const two = (part) => String(part).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return `${sign}${hours}:${two(minutes)}:${two(seconds % 60)}`;
  return `${sign}${minutes}:${two(seconds % 60)}`;
}

/** Distances of ticks that a clock shows. */
const clockStepsS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200];

/** The distance of at most ten ticks over a span of time; a day beyond the longest. */
function clockStepMs(spanMs) {
  return clockStepsS.map((step) => step * 1000).find((step) => spanMs / step <= 10) ?? 24 * 3_600_000;
}

/** Round times from one to another, as a clock shows them. */
export function clockTicks(fromMs, toMs) {
  const stepMs = clockStepMs(toMs - fromMs);
  const first = Math.ceil(fromMs / stepMs);
  const count = Math.max(0, Math.floor(toMs / stepMs) - first + 1);
  return Array.from({ length: count }, (_, index) => (first + index) * stepMs);
}

/** A place on an HDR percentile axis, where x = 1 / (1 - quantile): 100 is the 99th percentile. */
export function formatTailOdds(x) {
  const percent = 100 * (1 - 1 / x);
  // As many digits as it takes to tell it from its neighbours: 99.9 and 99.99 are a world apart.
  const digits = Math.max(0, Math.ceil(Math.log10(x) - 2 + 1e-9) + (Math.log10(x) % 1 === 0 ? 0 : 1));
  return `${Number(percent.toFixed(Math.min(digits, 6)))}%`;
}

/** A value in one of the units of a result: us, bytes, count, per-second, ratio, percent. */
export function formatValue(value, unit) {
  switch (unit) {
    case 'us':
      return formatDurationUs(value);
    case 'bytes':
      return formatBytes(value);
    case 'per-second':
      return `${formatNumber(value)}/s`;
    case 'ratio':
      return `${formatNumber(value * 100)} %`;
    case 'percent':
      return `${formatNumber(value)} %`;
    default:
      return formatNumber(value);
  }
}

const axisFormats = {
  durationUs: formatDurationUs,
  bytes: formatBytes,
  number: formatNumber,
  count: formatCount,
  elapsedMs: formatElapsedMs,
  tailOdds: formatTailOdds,
  cores: (value) => `${formatNumber(value)} cores`,
  rate: (value) => `${formatNumber(value)}/s`,
};

/** The formatter that a chart's axis names; numbers as they are when the name is not known. */
export function axisFormat(name) {
  return axisFormats[name] ?? formatNumber;
}
