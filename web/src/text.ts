// Figures for people, as the table of the terminal tells them (src/report/size.c).

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** "12.3 MiB"; 0 has no unit. */
export function bytes(n: number): string {
  if (n === 0) return "0";
  const sign = n < 0 ? "\u2212" : "";
  let value = Math.abs(n);
  let unit = 0;
  while (unit < UNITS.length - 1 && value >= 1024 - 0.05) {
    value /= 1024;
    unit++;
  }
  return `${sign}${unit === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** The same with a sign. */
export function change(n: number): string {
  return n > 0 ? `+${bytes(n)}` : bytes(n);
}

/** "1,234,567" */
export function count(n: number): string {
  return Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** What surrounds an estimate: "±8 %" where it is good, else its range; "" where it is certain. */
export function range(value: number, [low, high]: readonly [number, number]): string {
  const off = value > 0 ? Math.max(high - value, value - low) / value : Infinity;
  if (off < 0.005) return "";
  if (off <= 0.4) return `\u00b1${Math.ceil(off * 100)} %`;
  return low < 1 ? `< ${bytes(high)}` : `${bytes(low)} \u2026 ${bytes(high)}`;
}

/** "1.25 s", "350 ms" */
export function duration(ns: number): string {
  const seconds = ns / 1e9;
  if (ns === 0) return "0";
  if (seconds >= 100) return `${Math.round(seconds)} s`;
  if (seconds >= 1) return `${seconds.toFixed(2).replace(/\.?0+$/, "")} s`;
  if (seconds >= 0.001) return `${Math.round(seconds * 1000)} ms`;
  return `${Math.round(ns / 1000)} \u00b5s`;
}

/** "1 line", "2 lines" */
export function several(n: number, thing: string): string {
  return `${count(n)} ${thing}${n === 1 ? "" : "s"}`;
}
