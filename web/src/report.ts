// The JSON report as src/report/json.c writes it into the page (docs/report-json.md), and the same
// as rows that the views share. In the page, figures of the heap that are 0 are left out, and so are
// lines' texts that stand in the files': `whole` puts them back.

export interface Heap {
  own_net_bytes: number;
  alloc_bytes: number;
  alloc_count: number;
  freed_bytes: number;
  held_bytes: number;
  net_bytes?: number;
  peak_bytes?: number;
  map_bytes?: number;
  samples?: number;
  alloc_low_bytes?: number;
  alloc_high_bytes?: number;
  held_low_bytes?: number;
  held_high_bytes?: number;
}

export interface Line extends Partial<Heap> {
  line: number;
  hits: number;
  rss_net_bytes: number;
  rss_max_bytes: number;
  source: string;
}

export interface Func {
  file: string;
  name: string;
  first_line: number;
  last_line: number;
  lines: Line[];
}

export interface Account extends Heap {
  kind: "line" | "outside" | "native";
  file?: string;
  function?: string;
  first_line?: number;
  line?: number;
  scope: number;
  parent: number; // index of the caller's account + 1; 0: none
}

export interface Scope {
  id: number;
  parent: number;
  name: string;
  key: string;
  begin_ns: number;
  end_ns: number; // 0: open when the book was read
  net_bytes: number;
  peak_bytes: number;
  alloc_bytes: number;
  held_bytes: number;
}

export interface Moment {
  at_ns: number;
  rss_bytes: number;
  heap_bytes: number;
  limit_use_bytes: number;
}

export interface Summary {
  mode: "exact" | "sample";
  native: boolean;
  live_bytes: number;
  peak_bytes: number;
  rate_bytes: number;
  rate_most_bytes: number;
  ledger_bytes: number;
  limit_bytes: number;
  limit_percent: number;
  lines: Heap;
  outside: Heap;
  native_threads: Heap;
}

export interface SourceFile {
  file: string;
  changed: boolean;
  text: string | null; // null: too long to be in the page
}

export interface Report {
  books: number;
  pid: number;
  start_ns: number;
  complete: boolean;
  truncated: boolean;
  lost_functions: number;
  meta: Record<string, string>;
  files: SourceFile[];
  functions: Func[];
  summary?: Summary; // this and those below: only of a book with heap figures
  scopes?: Scope[];
  timeline?: Moment[];
  accounts?: Account[];
}

function heap(h: Partial<Heap>): Heap {
  const zero = { own_net_bytes: 0, alloc_bytes: 0, alloc_count: 0, freed_bytes: 0, held_bytes: 0 };
  return { ...zero, ...h } as Heap;
}

/** The report with all that was left out. */
export function whole(data: Report): Report {
  const texts = new Map(data.files.map((f) => [f.file, f.text?.split("\n")]));
  const functions = data.functions.map((f) => ({
    ...f,
    lines: f.lines.map((l) => ({ ...l, source: l.source ?? texts.get(f.file)?.[l.line - 1] ?? "" })),
  }));
  const report = { ...data, functions };
  if (data.accounts !== undefined) report.accounts = data.accounts.map((a) => ({ ...a, ...heap(a), scope: a.scope ?? 0, parent: a.parent ?? 0 }));
  const noScope = { parent: 0, begin_ns: 0, end_ns: 0, net_bytes: 0, peak_bytes: 0, alloc_bytes: 0, held_bytes: 0 };
  if (data.scopes !== undefined) report.scopes = data.scopes.map((s) => ({ ...noScope, ...s }));
  if (data.timeline !== undefined) report.timeline = data.timeline.map((m) => ({ ...{ rss_bytes: 0, heap_bytes: 0, limit_use_bytes: 0 }, ...m }));
  if (data.summary !== undefined) {
    const none = { live_bytes: 0, peak_bytes: 0, rate_bytes: 0, rate_most_bytes: 0, ledger_bytes: 0, limit_bytes: 0, limit_percent: 0 };
    const s = data.summary;
    report.summary = { ...none, ...s, lines: heap(s.lines), outside: heap(s.outside), native_threads: heap(s.native_threads) };
  }
  return report;
}

/** A figure that a row can have, and how it is told. */
export interface Figure {
  key: Key;
  head: string;
  says: string;
  kind: "count" | "bytes" | "change";
}

export type Key = "hits" | "net" | "peak" | "alloc" | "held" | "rss" | "max";

export interface Row {
  file: string;
  func: string;
  line: number;
  source: string;
  figures: Record<Key, number>;
  ranges: Partial<Record<Key, [number, number]>>; // of estimates
}

const FIGURES: readonly Figure[] = [
  { key: "hits", head: "Hits", says: "times the line ran", kind: "count" },
  { key: "net", head: "Net", says: "allocated minus freed while the line ran, called functions included", kind: "change" },
  { key: "peak", head: "Peak", says: "highest rise of the heap within one run of the line", kind: "bytes" },
  { key: "alloc", head: "Allocated", says: "all that the line itself allocated", kind: "bytes" },
  { key: "held", head: "Held", says: "what the line allocated and is still alive", kind: "bytes" },
  { key: "rss", head: "Net RSS", says: "change of resident memory while the line ran", kind: "change" },
  { key: "max", head: "Max RSS", says: "highest resident memory at the end of the line", kind: "bytes" },
];

/** The figures that this report has, in the order of their columns. */
export function figuresOf(report: Report): Figure[] {
  const heap = report.summary;
  const nets = heap === undefined || rowsOf(report).some((r) => r.figures.net !== 0 || r.figures.peak !== 0);
  return FIGURES.filter((f) => {
    if (heap === undefined) return f.key === "hits" || f.key === "rss" || f.key === "max";
    if (f.key === "net" || f.key === "peak") return nets; // samples do not tell them
    return f.key !== "max";
  });
}

/** What matters most: what rows are sorted by at first. A program that freed what it had when its book was
 * read leaves little held: then net changes tell where its memory went. */
export function mainKey(report: Report): Key {
  if (report.summary === undefined) return "rss";
  const rows = rowsOf(report);
  return largest(rows, "held") >= largest(rows, "net") / 4 ? "held" : "net";
}

function row(f: Func, l: Line): Row {
  const figures = {
    hits: l.hits,
    net: l.net_bytes ?? 0,
    peak: l.peak_bytes ?? 0,
    alloc: l.alloc_bytes ?? 0,
    held: l.held_bytes ?? 0,
    rss: l.rss_net_bytes,
    max: l.rss_max_bytes,
  };
  const ranges: Row["ranges"] = {};
  if (l.alloc_low_bytes !== undefined && l.alloc_high_bytes !== undefined)
    ranges.alloc = [l.alloc_low_bytes, l.alloc_high_bytes];
  if (l.held_low_bytes !== undefined && l.held_high_bytes !== undefined)
    ranges.held = [l.held_low_bytes, l.held_high_bytes];
  return { file: f.file, func: f.name, line: l.line, source: l.source, figures, ranges };
}

export function rowsOf(report: Report): Row[] {
  return report.functions.flatMap((f) => f.lines.map((l) => row(f, l)));
}

/** The largest value of a figure; at least 1, so that one can divide by it. */
export function largest(rows: readonly Row[], key: Key): number {
  let most = 1;
  for (const r of rows) most = Math.max(most, Math.abs(r.figures[key]));
  return most;
}

/** Rows sorted by a figure or by place; equal ones keep their order. */
export function sorted(rows: readonly Row[], by: Key | "place", down: boolean): Row[] {
  const all = rows.map((r, i) => ({ r, i }));
  const sign = down ? -1 : 1;
  all.sort((a, b) => {
    if (by === "place") return sign * (a.i - b.i);
    return sign * (a.r.figures[by] - b.r.figures[by]) || a.i - b.i;
  });
  return all.map((x) => x.r);
}

/** Rows in which every word of the question stands somewhere: file, function, source or "file:line". */
export function found(rows: readonly Row[], question: string): Row[] {
  const words = question.toLowerCase().split(/\s+/).filter((w) => w !== "");
  if (words.length === 0) return [...rows];
  return rows.filter((r) => {
    const text = `${r.file}:${r.line} ${r.func} ${r.source}`.toLowerCase();
    return words.every((w) => text.includes(w));
  });
}

/** Lines of one file with the sums of its rows: a "def" belongs to two functions. */
export function byLine(rows: readonly Row[], file: string): Map<number, Row> {
  const lines = new Map<number, Row>();
  for (const r of rows) {
    if (r.file !== file) continue;
    const old = lines.get(r.line);
    lines.set(r.line, old === undefined ? r : merged(old, r));
  }
  return lines;
}

function merged(a: Row, b: Row): Row {
  const figures = { ...a.figures };
  for (const key of ["hits", "net", "alloc", "held", "rss"] as const) figures[key] += b.figures[key];
  for (const key of ["peak", "max"] as const) figures[key] = Math.max(figures[key], b.figures[key]);
  const busier = (b.ranges.alloc?.[1] ?? 0) > (a.ranges.alloc?.[1] ?? 0) ? b.ranges : a.ranges;
  return { ...a, figures, ranges: busier };
}

/** The folder that all absolute paths have in common, with its slash; "" if there is none. */
export function commonFolder(files: readonly string[]): string {
  const paths = files.filter((f) => f.startsWith("/"));
  let folder = paths[0] ?? "";
  for (const p of paths) {
    let n = 0;
    while (n < folder.length && n < p.length && folder[n] === p[n]) n++;
    folder = folder.slice(0, n);
  }
  return folder.slice(0, folder.lastIndexOf("/") + 1);
}

export function shortName(file: string, folder: string): string {
  return folder.length > 1 && file.startsWith(folder) ? file.slice(folder.length) : file;
}
