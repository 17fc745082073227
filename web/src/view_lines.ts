// The table of lines: sorted, searched, a part of it at a time.

import { h, sortHead } from "./dom.js";
import type { Figure, Key, Report, Row } from "./report.js";
import { commonFolder, figuresOf, found, largest, mainKey, rowsOf, shortName, sorted } from "./report.js";
import { bytes, change, count, range, several } from "./text.js";

const PART = 100; // rows at a time

export function tell(figure: Figure, value: number): string {
  return figure.kind === "count" ? count(value) : figure.kind === "change" ? change(value) : bytes(value);
}

/** A cell with its figure, its range below, and a bar where it is what the eye should compare. */
export function cell(figure: Figure, r: Row, most: number, bar: boolean): HTMLElement {
  const value = r.figures[figure.key];
  const around = r.ranges[figure.key];
  const note = around === undefined ? "" : range(value, around);
  const width = bar ? (100 * Math.abs(value)) / most : 0;
  const td = h("td", { class: value < 0 ? "num down" : value === 0 ? "num none" : "num" }, tell(figure, value));
  if (note !== "") td.append(h("span", { class: "range" }, note));
  if (width > 0) {
    td.classList.add("bar");
    td.style.setProperty("--share", `${width.toFixed(1)}%`);
  }
  return td;
}

export class LinesView {
  readonly element: HTMLElement;
  private readonly rows: Row[];
  private readonly figures: Figure[];
  private readonly folder: string;
  private by: Key | "place";
  private down = true;
  private question = "";
  private shown = PART;
  private readonly table = h("table", { class: "lines" });
  private readonly says = h("p", { class: "says", attrs: { role: "status" } });

  constructor(report: Report, private readonly open: (file: string, line: number) => void) {
    this.rows = rowsOf(report);
    this.figures = figuresOf(report);
    this.folder = commonFolder(report.files.map((f) => f.file));
    this.by = mainKey(report);
    const search = h("input", { attrs: { type: "search", placeholder: "file, function or source", "aria-label": "Search lines", id: "search" } });
    search.addEventListener("input", () => {
      this.question = search.value;
      this.shown = PART;
      this.draw();
    });
    this.element = h("section", { attrs: { id: "lines", "aria-label": "Lines" } }, h("div", { class: "head" }, h("h2", {}, "Lines"), search), this.says, h("div", { class: "scroll" }, this.table));
    this.draw();
  }

  private sort(by: Key | "place"): void {
    this.down = this.by === by ? !this.down : by !== "place";
    this.by = by;
    this.draw();
    this.table.querySelector<HTMLElement>("th:not([aria-sort=none]) button")?.focus();
  }

  private state(by: Key | "place"): "ascending" | "descending" | "none" {
    return this.by !== by ? "none" : this.down ? "descending" : "ascending";
  }

  private draw(): void {
    const rows = sorted(found(this.rows, this.question), this.by, this.down);
    const most = new Map(this.figures.map((f) => [f.key, largest(this.rows, f.key)]));
    const heads = this.figures.map((f) => sortHead(f.head, f.says, this.state(f.key), () => this.sort(f.key)));
    const place = sortHead("Where", "in the order of files and lines", this.state("place"), () => this.sort("place"), true);
    const body = rows.slice(0, this.shown).map((r) => this.line(r, most));
    this.table.replaceChildren(h("thead", {}, h("tr", {}, ...heads, place, h("th", { class: "left", attrs: { scope: "col" } }, "Source"))), h("tbody", {}, ...body));
    this.says.replaceChildren(rows.length === this.rows.length ? several(rows.length, "line") : `${count(rows.length)} of ${several(this.rows.length, "line")}`);
    if (rows.length > this.shown) {
      const more = h("button", { attrs: { type: "button" }, on: { click: () => this.more() } }, `show ${Math.min(PART, rows.length - this.shown)} more`);
      this.says.append(` \u2014 the first ${count(this.shown)} are shown `, more);
    }
  }

  private more(): void {
    this.shown += PART;
    this.draw();
    this.says.querySelector("button")?.focus();
  }

  private line(r: Row, most: Map<Key, number>): HTMLElement {
    const where = h("button", { class: "link", attrs: { type: "button" }, title: `${r.file}:${r.line}`, on: { click: () => this.open(r.file, r.line) } }, `${shortName(r.file, this.folder)}:${r.line}`);
    const figures = this.figures.map((f) => cell(f, r, most.get(f.key) ?? 1, f.key === this.by));
    return h("tr", {}, ...figures, h("td", { class: "where" }, where, h("span", { class: "func" }, r.func)), h("td", { class: "code" }, h("code", {}, r.source.trim())));
  }
}
