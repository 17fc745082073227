// Resident memory and heap over time, with the scopes that ran.

import { lanes, line, nearest, share, spanOf, thinned, ticks } from "./chart.js";
import { h, svg } from "./dom.js";
import type { Moment, Report, Scope } from "./report.js";
import { bytes, duration } from "./text.js";

const WIDTH = 1000;
const HEIGHT = 260;
const LEFT = 74;
const RIGHT = 12;
const TOP = 10;
const LANE = 9;
const LANES = 8;

export class TimeView {
  readonly element: HTMLElement;
  private readonly moments: Moment[];
  private readonly scopes: Scope[];
  private readonly span: { from: number; to: number };
  private readonly top: number;
  private readonly cursor = svg("line", { class: "cursor" });
  private readonly says = h("output", { class: "says", attrs: { for: "moment" } });
  private readonly slider = h("input", { attrs: { type: "range", id: "moment", min: "0", "aria-label": "Moment" } });

  constructor(private readonly report: Report) {
    this.moments = report.timeline ?? [];
    this.scopes = report.scopes ?? [];
    this.span = spanOf(this.moments, this.scopes);
    this.top = this.moments.reduce((m, x) => Math.max(m, x.rss_bytes, x.heap_bytes), 1) * 1.05;
    this.slider.max = String(Math.max(0, this.moments.length - 1));
    this.slider.addEventListener("input", () => this.show(Number(this.slider.value)));
    const chart = this.chart();
    this.element = h("section", { attrs: { id: "timeline", "aria-label": "Timeline" } }, h("div", { class: "head" }, h("h2", {}, "Timeline"), this.legend()), h("div", { class: "scroll" }, this.table()), chart, this.slider, this.says);
    this.show(this.moments.length - 1);
  }

  private x(at: number): number {
    return LEFT + share(at, this.span) * (WIDTH - LEFT - RIGHT);
  }

  private y(n: number): number {
    return TOP + (1 - Math.max(0, n) / this.top) * (HEIGHT - TOP);
  }

  private legend(): HTMLElement {
    const item = (name: string, says: string): HTMLElement => h("span", { class: `key ${name}` }, says);
    return h("p", { class: "legend" }, item("rss", "resident memory"), item("heap", "heap"), ...(this.limit() > 0 ? [item("limit", `limit ${bytes(this.limit())}`)] : []), ...(this.scopes.length > 0 ? [item("scope", "scope"), item("scope left", "scope that left memory behind")] : []));
  }

  private limit(): number {
    return this.report.summary?.limit_bytes ?? 0;
  }

  private table(): HTMLElement {
    const first = this.moments[0];
    const last = this.moments[this.moments.length - 1];
    const rows: [string, (m: Moment) => number][] = [
      ["Resident memory", (m) => m.rss_bytes],
      ["Heap", (m) => m.heap_bytes],
    ];
    const body = rows.map(([name, of]) => {
      const most = this.moments.reduce((a, m) => (of(m) > of(a) ? m : a), first ?? { at_ns: 0, rss_bytes: 0, heap_bytes: 0, limit_use_bytes: 0 });
      const values = [first === undefined ? 0 : of(first), of(most), last === undefined ? 0 : of(last)];
      return h("tr", {}, h("th", { class: "left", attrs: { scope: "row" } }, name), ...values.map((v) => h("td", { class: "num" }, bytes(v))), h("td", { class: "num" }, duration(most.at_ns - this.span.from)));
    });
    const heads = ["", "At first", "At most", "At last", "At most after"].map((t) => h("th", { attrs: { scope: "col" } }, t));
    return h("table", { class: "small" }, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...body));
  }

  private chart(): SVGElement {
    const points = thinned(this.moments, WIDTH);
    const of = (value: (m: Moment) => number): [number, number][] => points.map((m) => [this.x(m.at_ns), this.y(value(m))]);
    const heap = of((m) => m.heap_bytes);
    const first = heap[0];
    const last = heap[heap.length - 1];
    const ground = first !== undefined && last !== undefined ? ` L${last[0]},${HEIGHT} L${first[0]},${HEIGHT} Z` : "";
    const marks = this.marks();
    const height = HEIGHT + 24 + marks.rows * LANE;
    const drawing = svg(
      "svg",
      { class: "chart", attrs: { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": "Resident memory and heap over time" } },
      ...this.grid(),
      svg("path", { class: "heap", attrs: { d: line(heap) + ground } }),
      svg("path", { class: "rss", attrs: { d: line(of((m) => m.rss_bytes)) } }),
      ...(this.limit() > 0 && this.limit() <= this.top ? [svg("line", { class: "limit", attrs: { x1: String(LEFT), x2: String(WIDTH - RIGHT), y1: String(this.y(this.limit())), y2: String(this.y(this.limit())) } })] : []),
      ...marks.elements,
      this.cursor,
    );
    drawing.addEventListener("pointermove", (e) => {
      const box = drawing.getBoundingClientRect();
      const at = (((e.clientX - box.left) / box.width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT);
      this.show(nearest(this.moments, this.span.from + at * (this.span.to - this.span.from)));
    });
    return drawing;
  }

  private grid(): SVGElement[] {
    const levels = ticks(this.top, 5, 1024).flatMap((n) => [
      svg("line", { class: "grid", attrs: { x1: String(LEFT), x2: String(WIDTH - RIGHT), y1: String(this.y(n)), y2: String(this.y(n)) } }),
      svg("text", { class: "tick end", attrs: { x: String(LEFT - 6), y: String(this.y(n) + 4) } }, bytes(n)),
    ]);
    const seconds = (this.span.to - this.span.from) / 1e9;
    const times = ticks(seconds, 8, 1000).map((s) => svg("text", { class: "tick middle", attrs: { x: String(this.x(this.span.from + s * 1e9)), y: String(HEIGHT + 16) } }, duration(s * 1e9)));
    return [...levels, ...times.slice(1)];
  }

  private marks(): { elements: SVGElement[]; rows: number } {
    const places = lanes(this.scopes, this.span.to, LANES);
    const elements: SVGElement[] = [];
    this.scopes.forEach((s, i) => {
      const lane = places[i] ?? -1;
      if (lane < 0) return;
      const x = this.x(s.begin_ns);
      const width = Math.max(2, this.x(s.end_ns || this.span.to) - x);
      const title = svg("title", {}, `${s.name} ${s.key}: left ${bytes(s.held_bytes)}${this.report.summary?.mode === "sample" ? "" : `, peak ${bytes(s.peak_bytes)}`}`);
      elements.push(svg("rect", { class: s.held_bytes > 0 ? "scope left" : "scope", attrs: { x: x.toFixed(1), width: width.toFixed(1), y: String(HEIGHT + 24 + lane * LANE), height: String(LANE - 2) } }, title));
    });
    return { elements, rows: Math.max(0, ...places.map((p) => p + 1)) };
  }

  private show(i: number): void {
    const m = this.moments[i];
    if (m === undefined) return;
    const x = String(this.x(m.at_ns));
    this.slider.value = String(i);
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.cursor.setAttribute("y1", String(TOP));
    this.cursor.setAttribute("y2", String(HEIGHT));
    const running = this.scopes.filter((s) => s.begin_ns <= m.at_ns && (s.end_ns === 0 || s.end_ns >= m.at_ns));
    const names = running.slice(0, 3).map((s) => `${s.name} ${s.key}`.trim());
    const scopes = running.length === 0 ? "" : `; ${names.join(", ")}${running.length > 3 ? ` and ${running.length - 3} more` : ""}`;
    this.says.textContent = `after ${duration(m.at_ns - this.span.from)}: resident ${bytes(m.rss_bytes)}, heap ${bytes(m.heap_bytes)}${scopes}`;
  }
}
