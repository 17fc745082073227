// What the page says at its top.

import type { Report } from "./report.js";
import { rowsOf } from "./report.js";
import { bytes, count, several } from "./text.js";

export interface Tile {
  head: string;
  value: string;
  says: string;
}

export function tilesOf(report: Report): Tile[] {
  const rows = rowsOf(report);
  const rss = rows.reduce((m, r) => Math.max(m, r.figures.max), 0);
  const h = report.summary;
  const tiles: Tile[] = [];
  if (h !== undefined) {
    tiles.push({ head: "Held by lines", value: bytes(h.lines.held_bytes), says: "allocated by profiled lines and still alive" });
    tiles.push({ head: "Allocated by lines", value: bytes(h.lines.alloc_bytes), says: `${count(h.lines.alloc_count)} blocks` });
    if (h.peak_bytes > 0) tiles.push({ head: h.mode === "sample" ? "Heap" : "Heap at most", value: bytes(h.peak_bytes), says: h.mode === "sample" ? "an estimate, when resident memory was highest" : "at a moment of the timeline" });
  }
  tiles.push({ head: "Max RSS", value: bytes(rss), says: "at the end of a line" });
  tiles.push({ head: "Lines that ran", value: count(rows.length), says: `${several(report.functions.length, "function")} in ${several(report.files.length, "file")}` });
  return tiles;
}

/** How the figures were taken, with the law that binds them. */
export function methodOf(report: Report): string {
  const h = report.summary;
  if (h === undefined) return "Resident memory: of each line, after minus before, over all its runs, called functions included.";
  const native = h.native ? "native allocations included" : "native allocations not included";
  if (h.mode === "sample")
    return `Sampled once in ${bytes(h.rate_bytes)} on average, ${native}. Figures are estimates: each range holds the truth in 95 of 100 runs; 0 is no sample, so less than ${bytes(3.689 * h.rate_most_bytes)}.`;
  const heap = h.live_bytes;
  const rest = heap - h.lines.held_bytes - h.outside.held_bytes - h.native_threads.held_bytes;
  return `Exact, ${native}: heap ${count(heap)} B = ${count(h.lines.held_bytes)} held by lines + ${count(h.outside.held_bytes)} outside of them + ${count(h.native_threads.held_bytes)} by native threads; unexplained ${count(rest)}.`;
}

export function notesOf(report: Report): string[] {
  const notes: string[] = [];
  if (report.truncated) notes.push("The book is cut short; what stood behind the cut is missing.");
  if (!report.complete) notes.push("The run had not ended when the book was read, or was killed.");
  if (report.lost_functions > 0) notes.push(`${several(report.lost_functions, "function")} found no room in the book and are missing.`);
  if ((report.summary?.limit_percent ?? 0) > 0)
    notes.push(`Memory use crossed ${report.summary?.limit_percent ?? 0} % of its limit, ${bytes(report.summary?.limit_bytes ?? 0)}.`);
  return notes;
}
