/** Numbers as people read them: in banners, tables and pages. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  const [size, unit, lessSize, lessUnit] = seconds < 86_400 ? [3600, 'h', 60, 'min'] : [86_400, 'd', 3600, 'h'];
  const less = Math.floor((seconds % size) / lessSize);
  return `${Math.floor(seconds / size)} ${unit}${less === 0 ? '' : ` ${less} ${lessUnit}`}`;
}

export function formatMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** Both ends of a range, with as many digits as tell them apart: `$1.960 to $1.965`. */
export function formatRange(low: number, high: number, format: (usd: number) => string): string {
  const withDigits = (digits: number) => (end: number) => `${end < 0 ? '−' : ''}$${Math.abs(end).toFixed(digits)}`;
  const ways = [format, ...[3, 4, 5, 6, 7].map(withDigits)];
  const way = ways.find((each) => each(low) !== each(high)) ?? format;
  return `${way(low)} to ${way(high)}`;
}
