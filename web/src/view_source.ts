// One file's source with its figures beside the lines, and a strip that shows where in it the weight lies.

import { choose, h } from "./dom.js";
import type { Figure, Key, Report, Row, SourceFile } from "./report.js";
import { byLine, commonFolder, figuresOf, largest, mainKey, rowsOf, shortName } from "./report.js";
import { bytes } from "./text.js";
import { cell } from "./view_lines.js";

const LONGEST = 4000; // lines drawn around the one asked for

/** The share of the heaviest, 0 .. 1, spread so that small ones can be told from none. */
export function heat(value: number, most: number): number {
  return value > 0 ? Math.sqrt(value / most) : 0;
}

function heatOf(e: HTMLElement): number {
  return Number(e.style.getPropertyValue("--heat"));
}

export class SourceView {
  readonly element: HTMLElement;
  private readonly rows: Row[];
  private readonly figures: Figure[];
  private readonly folder: string;
  private key: Key;
  private file: string;
  private readonly bar = h("div", { class: "head" });
  private readonly notes = h("p", { class: "says" });
  private readonly table = h("table", { class: "source" });
  private readonly strip = h("div", { class: "strip", attrs: { "aria-hidden": "true" } });

  constructor(private readonly report: Report) {
    this.rows = rowsOf(report);
    this.figures = figuresOf(report);
    this.folder = commonFolder(report.files.map((f) => f.file));
    this.key = mainKey(report);
    this.file = this.ranked()[0]?.file ?? "";
    this.element = h("section", { attrs: { id: "source", "aria-label": "Source" } }, this.bar, this.notes, h("div", { class: "page" }, h("div", { class: "scroll" }, this.table), this.strip));
    this.draw();
  }

  /** Show a line and take the reader there. */
  open(file: string, line: number): void {
    this.file = file;
    this.draw(line);
    const target = this.table.querySelector<HTMLElement>(`[data-line="${line}"]`);
    for (const old of this.table.querySelectorAll(".target")) old.classList.remove("target");
    target?.classList.add("target");
    target?.scrollIntoView({ block: "center" });
    target?.focus({ preventScroll: true });
  }

  /** Bring the heaviest line into the frame, without moving the page. */
  lookAtHottest(): void {
    const hottest = [...this.table.querySelectorAll<HTMLElement>(".warm")].reduce<HTMLElement | undefined>((a, b) => (a === undefined || heatOf(b) > heatOf(a) ? b : a), undefined);
    const frame = this.table.parentElement;
    if (frame !== null) frame.scrollTop = hottest === undefined ? 0 : Math.max(0, hottest.offsetTop - frame.clientHeight / 3);
  }

  private weight(file: string): number {
    let sum = 0;
    for (const r of this.rows) if (r.file === file) sum += Math.max(0, r.figures[this.key]);
    return sum;
  }

  private ranked(): SourceFile[] {
    const weights = new Map(this.report.files.map((f) => [f.file, this.weight(f.file)]));
    return [...this.report.files].sort((a, b) => (weights.get(b.file) ?? 0) - (weights.get(a.file) ?? 0));
  }

  private fields(): void {
    const figure = this.figures.find((f) => f.key === this.key);
    const additive = this.key === "held" || this.key === "alloc";
    const files = this.ranked().map((f) => ({
      value: f.file,
      says: shortName(f.file, this.folder) + (additive ? ` (${bytes(this.weight(f.file))})` : ""),
    }));
    const keys = this.figures.map((f) => ({ value: f.key, says: f.head }));
    this.bar.replaceChildren(
      h("h2", {}, "Source"),
      choose("File", files, this.file, (file) => {
        this.file = file;
        this.draw();
        this.lookAtHottest();
      }),
      choose("Coloured by", keys, figure?.key ?? "hits", (key) => {
        this.key = key;
        this.draw();
        this.lookAtHottest();
      }),
    );
  }

  private draw(around = 1): void {
    const file = this.report.files.find((f) => f.file === this.file);
    const lines = byLine(this.rows, this.file);
    const most = largest([...lines.values()], this.key);
    const text = file?.text ?? null;
    this.fields();
    this.notes.textContent = file?.changed === true ? "This file was changed since the run: its lines may not be those that ran." : text === null || text === "" ? "Only the lines that ran are known of this file." : "";
    this.notes.hidden = this.notes.textContent === "";
    const all = text === null || text === "" ? null : text.split("\n").slice(0, -1);
    const heads = this.figures.map((f) => h("th", { title: f.says, attrs: { scope: "col" } }, f.head));
    const numbers = all === null ? [...lines.keys()].sort((a, b) => a - b) : around1(all.length, around);
    this.table.replaceChildren(
      h("thead", {}, h("tr", {}, h("th", { attrs: { scope: "col" } }, "Line"), ...heads, h("th", { class: "left", attrs: { scope: "col" } }, "Source"))),
      h("tbody", {}, ...numbers.map((n) => this.line(n, lines.get(n), all?.[n - 1], most))),
    );
    this.drawStrip(lines, all?.length ?? 0, most);
  }

  private line(n: number, r: Row | undefined, text: string | undefined, most: number): HTMLElement {
    const cells = this.figures.map((f) => (r === undefined ? h("td") : cell(f, r, most, f.key === this.key)));
    const tr = h("tr", { attrs: { "data-line": String(n), tabindex: "-1" } }, h("td", { class: "num line" }, String(n)), ...cells, h("td", { class: "code" }, h("code", {}, text ?? r?.source ?? "")));
    const warm = r === undefined ? 0 : heat(r.figures[this.key], most);
    if (warm > 0) {
      tr.classList.add("warm");
      tr.style.setProperty("--heat", warm.toFixed(3));
    }
    return tr;
  }

  private drawStrip(lines: Map<number, Row>, n: number, most: number): void {
    const marks: HTMLElement[] = [];
    for (const [line, r] of lines) {
      const warm = heat(r.figures[this.key], most);
      if (warm > 0 && n > 0) marks.push(h("i", { style: { top: `${((line - 1) / n) * 100}%`, height: `max(2px, ${100 / n}%)`, "--heat": warm.toFixed(3) } }));
    }
    this.strip.replaceChildren(...marks);
  }
}

/** 1 .. n, or of a very long file the part around a line. */
function around1(n: number, line: number): number[] {
  const first = n <= LONGEST ? 1 : Math.max(1, Math.min(line - LONGEST / 2, n - LONGEST + 1));
  return Array.from({ length: Math.min(n, LONGEST) }, (_, i) => first + i);
}
