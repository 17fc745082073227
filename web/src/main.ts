// The page: reads its data and puts the views together.

import { h } from "./dom.js";
import { methodOf, notesOf, tilesOf } from "./head.js";
import type { Report } from "./report.js";
import { whole } from "./report.js";
import { LinesView } from "./view_lines.js";
import { PathsView } from "./view_paths.js";
import { ScopesView } from "./view_scopes.js";
import { SourceView } from "./view_source.js";
import { TimeView } from "./view_time.js";

function head(report: Report): HTMLElement {
  const command = report.meta["command"] ?? "";
  const when = report.start_ns > 0 ? new Date(report.start_ns / 1e6).toISOString().replace("T", " ").slice(0, 19) + " UTC" : "";
  const facts = [when, `process ${report.pid}`, report.books > 1 ? `${report.books} books, summed` : ""].filter((t) => t !== "");
  const tiles = tilesOf(report).map((t) => h("div", { class: "tile" }, h("dt", {}, t.head), h("dd", {}, t.value), h("p", {}, t.says)));
  return h(
    "header",
    {},
    h("p", { class: "brand" }, "memline"),
    h("h1", {}, command === "" ? "Which line took the memory" : command),
    h("p", { class: "facts" }, facts.join(" \u00b7 ")),
    h("dl", { class: "tiles" }, ...tiles),
    h("p", { class: "method" }, methodOf(report)),
    ...notesOf(report).map((n) => h("p", { class: "note" }, n)),
  );
}

function main(): void {
  const data = document.getElementById("report");
  const report = whole(JSON.parse(data?.textContent ?? "{}") as Report);
  const source = new SourceView(report);
  const open = (file: string, line: number): void => source.open(file, line);
  const sections: [string, HTMLElement][] = [
    ["Lines", new LinesView(report, open).element],
    ["Source", source.element],
  ];
  if ((report.accounts ?? []).length > 0) sections.push(["Call paths", new PathsView(report, open).element]);
  if ((report.timeline ?? []).length > 1) sections.push(["Timeline", new TimeView(report).element]);
  if ((report.scopes ?? []).length > 0) sections.push(["Scopes", new ScopesView(report, open).element]);
  const links = sections.map(([name, e]) => h("a", { attrs: { href: `#${e.id}` } }, name));
  document.title = `memline: ${report.meta["command"] ?? "report"}`;
  document.body.replaceChildren(head(report), h("nav", { attrs: { "aria-label": "Sections" } }, ...links), h("main", {}, ...sections.map(([, e]) => e)));
  source.lookAtHottest();
}

main();
