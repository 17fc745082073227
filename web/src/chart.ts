// The timeline's arithmetic: times and bytes become places on a drawing.

import type { Moment, Scope } from "./report.js";

export interface Span {
  from: number;
  to: number;
}

/** Round steps that divide 0 .. most: 1, 2 or 5 times a power of 2^10 or of 10. */
export function ticks(most: number, wanted: number, base: 1000 | 1024): number[] {
  if (!(most > 0)) return [0];
  let unit = 1;
  while (most / unit >= base) unit *= base;
  let power = 1;
  while (most / unit / power / wanted >= 10) power *= 10;
  while (most / unit / power / wanted < 1 && power * unit > 1e-9) power /= 10;
  const step = [1, 2, 5, 10].map((n) => n * power * unit).find((n) => most / n <= wanted) ?? most;
  const all: number[] = [];
  for (let n = 0; n <= most * 1.0001; n += step) all.push(n);
  return all;
}

/** From the first moment or scope to the last. */
export function spanOf(moments: readonly Moment[], scopes: readonly Scope[]): Span {
  let from = Infinity;
  let to = -Infinity;
  for (const m of moments) {
    from = Math.min(from, m.at_ns);
    to = Math.max(to, m.at_ns);
  }
  for (const s of scopes) {
    from = Math.min(from, s.begin_ns);
    to = Math.max(to, s.end_ns || s.begin_ns);
  }
  return from <= to ? { from, to: Math.max(to, from + 1) } : { from: 0, to: 1 };
}

export function share(at: number, span: Span): number {
  return Math.min(1, Math.max(0, (at - span.from) / (span.to - span.from)));
}

/** "M x,y L x,y ..." */
export function line(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
}

/** The moment nearest to a time. */
export function nearest(moments: readonly Moment[], at: number): number {
  let best = 0;
  moments.forEach((m, i) => {
    const old = moments[best];
    if (old !== undefined && Math.abs(m.at_ns - at) < Math.abs(old.at_ns - at)) best = i;
  });
  return best;
}

/** Of many moments so many that a drawing can show, among them the highest of each stretch. */
export function thinned(moments: readonly Moment[], most: number): Moment[] {
  const size = Math.ceil(moments.length / most);
  if (size <= 1) return [...moments];
  const kept: Moment[] = [];
  for (let i = 0; i < moments.length; i += size) {
    const part = moments.slice(i, i + size);
    kept.push(part.reduce((a, b) => (b.rss_bytes > a.rss_bytes ? b : a)));
  }
  return kept;
}

/** Scopes side by side: each gets the first lane that is free when it begins; -1 when all `most` are taken. */
export function lanes(scopes: readonly Scope[], end: number, most: number): number[] {
  const free: number[] = [];
  const order = scopes.map((_, i) => i).sort((a, b) => (scopes[a]?.begin_ns ?? 0) - (scopes[b]?.begin_ns ?? 0));
  const result = scopes.map(() => -1);
  for (const i of order) {
    const s = scopes[i];
    if (s === undefined) continue;
    let lane = free.findIndex((until) => until <= s.begin_ns);
    if (lane < 0 && free.length < most) lane = free.length;
    if (lane < 0) continue;
    free[lane] = s.end_ns || end;
    result[i] = lane;
  }
  return result;
}
