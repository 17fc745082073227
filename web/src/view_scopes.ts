// The scopes: requests, tasks, invocations; what each took and left behind.

import { h, sortHead } from "./dom.js";
import type { Report, Scope } from "./report.js";
import { bytes, change, duration, several } from "./text.js";
import { scopeLines } from "./scopes.js";

const PART = 50;

interface Column {
  head: string;
  says: string;
  of: (s: Scope) => number;
  tell: (n: number) => string;
}

export class ScopesView {
  readonly element: HTMLElement;
  private readonly scopes: Scope[];
  private by: number;
  private down = true;
  private shown = PART;
  private readonly table = h("table", { class: "scopes" });
  private readonly says = h("p", { class: "says", attrs: { role: "status" } });
  private readonly columns: Column[];

  constructor(private readonly report: Report, private readonly open: (file: string, line: number) => void) {
    this.scopes = report.scopes ?? [];
    const start = this.scopes.reduce((t, s) => Math.min(t, s.begin_ns), Infinity);
    const sampled = report.summary?.mode === "sample"; // samples do not tell Net and Peak
    const columns: Column[] = [
      { head: "Begin", says: "after the first one", of: (s) => s.begin_ns - start, tell: duration },
      { head: "Time", says: "from its begin to its end", of: (s) => (s.end_ns === 0 ? -1 : s.end_ns - s.begin_ns), tell: (n) => (n < 0 ? "open" : duration(n)) },
      { head: "Net", says: "allocated minus freed within it", of: (s) => s.net_bytes, tell: change },
      { head: "Peak", says: "highest rise within it", of: (s) => s.peak_bytes, tell: bytes },
      { head: "Allocated", says: "all that it allocated", of: (s) => s.alloc_bytes, tell: bytes },
      { head: "Left behind", says: "of what it allocated, alive at its end", of: (s) => s.held_bytes, tell: bytes },
    ];
    this.columns = columns.filter((c) => !sampled || (c.head !== "Net" && c.head !== "Peak"));
    this.by = this.columns.length - 1;
    this.element = h("section", { attrs: { id: "scopes", "aria-label": "Scopes" } }, h("div", { class: "head" }, h("h2", {}, "Scopes")), this.says, h("div", { class: "scroll" }, this.table));
    this.draw();
  }

  private draw(): void {
    const column = this.columns[this.by];
    const sign = this.down ? -1 : 1;
    const order = [...this.scopes].sort((a, b) => (column === undefined ? 0 : sign * (column.of(a) - column.of(b))) || a.id - b.id);
    const heads = this.columns.map((c, i) =>
      sortHead(c.head, c.says, i !== this.by ? "none" : this.down ? "descending" : "ascending", () => {
        this.down = i === this.by ? !this.down : true;
        this.by = i;
        this.draw();
        this.table.querySelector<HTMLElement>("th:not([aria-sort=none]) button")?.focus();
      }),
    );
    const most = Math.max(1, ...this.scopes.map((s) => Math.abs(column?.of(s) ?? 0)));
    this.table.replaceChildren(h("thead", {}, h("tr", {}, ...heads, h("th", { class: "left", attrs: { scope: "col" } }, "Scope, and its lines"))), h("tbody", {}, ...order.slice(0, this.shown).map((s) => this.line(s, most))));
    this.says.replaceChildren(several(order.length, "scope"));
    if (order.length > this.shown)
      this.says.append(` \u2014 the first ${this.shown} are shown `, h("button", { attrs: { type: "button" }, on: { click: () => ((this.shown += PART), this.draw()) } }, "show more"));
  }

  private line(s: Scope, most: number): HTMLElement {
    const cells = this.columns.map((c, i) => {
      const td = h("td", { class: c.of(s) === 0 ? "num none" : "num" }, c.tell(c.of(s)));
      if (i === this.by && i >= 2) {
        td.classList.add("bar");
        td.style.setProperty("--share", `${((100 * Math.abs(c.of(s))) / most).toFixed(1)}%`);
      }
      return td;
    });
    return h("tr", {}, ...cells, h("td", { class: "where" }, this.name(s)));
  }

  private name(s: Scope): HTMLElement {
    const lines = scopeLines(this.report.accounts ?? [], s.id, 12);
    const name = `${s.name} ${s.key}`.trim() || `scope ${s.id}`;
    if (lines.length === 0) return h("span", {}, name);
    const items = lines.map((a) =>
      h("li", {}, `${bytes(a.held_bytes)} held of ${bytes(a.alloc_bytes)} `, a.kind === "line" ? h("button", { class: "link", attrs: { type: "button" }, on: { click: () => this.open(a.file ?? "", a.line ?? 0) } }, `${a.function ?? ""}:${a.line ?? 0}`) : a.kind),
    );
    return h("details", {}, h("summary", {}, name), h("ul", {}, ...items));
  }
}
