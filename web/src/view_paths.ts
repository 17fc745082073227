// Call paths: the heaviest in a table, all in a flame graph.

import { choose, h } from "./dom.js";
import type { Report } from "./report.js";
import { commonFolder, shortName } from "./report.js";
import { bytes, count } from "./text.js";
import type { Box, Node, Weight } from "./tree.js";
import { boxes, hasPaths, heaviest, treeOf } from "./tree.js";

const ROW = 21; // px
const MOST = 10; // paths in the table
const LEAST = 0.002; // share of the width below which a box is not drawn

/** One hue a file, so that the eye finds a file's frames. */
export function hue(text: string): number {
  let n = 0;
  for (let i = 0; i < text.length; i++) n = (n * 31 + text.charCodeAt(i)) >>> 0;
  return 8 + (n % 38); // from red to amber
}

export class PathsView {
  readonly element: HTMLElement;
  private weight: Weight = "held";
  private root: Node;
  private zoomed: Node;
  private readonly folder: string;
  private readonly bar = h("div", { class: "head" });
  private readonly table = h("table", { class: "paths" });
  private readonly graph = h("div", { class: "flame" });
  private readonly says = h("p", { class: "says", attrs: { role: "status" } });

  constructor(private readonly report: Report, private readonly open: (file: string, line: number) => void) {
    this.folder = commonFolder(report.files.map((f) => f.file));
    this.root = treeOf(report.accounts ?? [], this.weight);
    this.zoomed = this.root;
    const kept = hasPaths(report.accounts ?? []);
    const hint = h("p", { class: "says" }, kept ? "The wider a line, the more memory it and what it called stand for. Enter or a click looks into one." : "No call paths were kept (memline run --stacks does): lines stand under their functions.");
    this.element = h("section", { attrs: { id: "paths", "aria-label": "Call paths" } }, this.bar, h("div", { class: "scroll" }, this.table), hint, this.says, this.graph);
    this.graph.addEventListener("keydown", (e) => this.onKey(e));
    this.draw();
  }

  private tell(n: number): string {
    return this.weight === "objects" ? count(n) : bytes(n);
  }

  private label(n: Node): string {
    return n.line !== 0 ? `${n.name}:${n.line}` : n.name;
  }

  private draw(): void {
    const weights: { value: Weight; says: string }[] = [
      { value: "held", says: "bytes held" },
      { value: "alloc", says: "bytes allocated" },
      { value: "objects", says: "blocks allocated" },
    ];
    this.bar.replaceChildren(
      h("h2", {}, "Call paths"),
      choose("Weighed by", weights, this.weight, (weight) => {
        this.weight = weight;
        this.root = treeOf(this.report.accounts ?? [], weight);
        this.zoomed = this.root;
        this.draw();
      }),
    );
    this.drawTable();
    this.drawGraph();
  }

  private drawTable(): void {
    const rows = heaviest(this.root, MOST).map(({ way, own }) => {
      const end = way[way.length - 1];
      const text = way.map((n) => this.label(n)).join(" \u203a ");
      const link = h("button", { class: "link", attrs: { type: "button" }, on: { click: () => end !== undefined && end.line !== 0 && this.open(end.file, end.line) } }, text);
      const share = `${((100 * own) / Math.max(1, this.root.total)).toFixed(1)} %`;
      return h("tr", {}, h("td", { class: "num" }, this.tell(own)), h("td", { class: "num" }, share), h("td", { class: "where" }, end?.line === 0 ? text : link));
    });
    this.table.replaceChildren(h("thead", {}, h("tr", {}, h("th", { attrs: { scope: "col" } }, this.weight === "objects" ? "Blocks" : "Bytes"), h("th", { attrs: { scope: "col" } }, "Share"), h("th", { class: "left", attrs: { scope: "col" } }, "Path"))), h("tbody", {}, ...rows));
  }

  private zoom(node: Node): void {
    this.zoomed = node;
    this.drawGraph();
    this.graph.querySelector<HTMLElement>(".now")?.focus();
  }

  private drawGraph(): void {
    const all = boxes(this.root, this.zoomed, LEAST);
    const deepest = all.reduce((d, b) => Math.max(d, b.depth), 0);
    this.graph.style.setProperty("height", `${(deepest + 1) * ROW}px`);
    this.graph.replaceChildren(...all.map((b) => this.box(b)));
    this.says.textContent = `${this.label(this.zoomed)}: ${this.tell(this.zoomed.total)}` + (this.zoomed === this.root ? "" : ` of ${this.tell(this.root.total)}`);
  }

  private box(b: Box): HTMLElement {
    const n = b.node;
    const file = n.file === "" ? "" : ` ${shortName(n.file, this.folder)}`;
    const text = `${this.label(n)} ${this.tell(n.total)}`;
    return h(
      "button",
      {
        class: n === this.zoomed ? "box now" : n.file === "" ? "box plain" : "box",
        title: `${this.label(n)}${file}\n${this.tell(n.total)}, itself ${this.tell(n.own)}`,
        attrs: { type: "button", "data-depth": String(b.depth) },
        style: { left: `${b.left * 100}%`, width: `${b.width * 100}%`, top: `${b.depth * ROW}px`, "--hue": String(hue(n.file)) },
        on: { click: () => this.zoom(n) },
      },
      text,
    );
  }

  /** Arrows go to the next box of the row, or to the row above or below; Escape zooms out. */
  private onKey(e: KeyboardEvent): void {
    const all = [...this.graph.querySelectorAll<HTMLElement>(".box")];
    const at = all.findIndex((b) => b === document.activeElement);
    const depth = Number(all[at]?.dataset["depth"] ?? 0);
    const within = (d: number): HTMLElement[] => all.filter((b) => Number(b.dataset["depth"]) === d);
    const row = within(depth);
    const here = row.findIndex((b) => b === document.activeElement);
    const moves: Record<string, HTMLElement | undefined> = { ArrowLeft: row[here - 1], ArrowRight: row[here + 1], ArrowUp: within(depth - 1)[0], ArrowDown: within(depth + 1)[0] };
    if (e.key === "Escape") this.zoom(this.root);
    else if (e.key in moves) moves[e.key]?.focus();
    else return;
    e.preventDefault();
  }
}
