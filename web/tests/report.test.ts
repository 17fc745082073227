import assert from "node:assert/strict";
import { test } from "node:test";
import { methodOf, notesOf, tilesOf } from "../src/head.js";
import { byLine, commonFolder, figuresOf, found, largest, mainKey, rowsOf, shortName, sorted } from "../src/report.js";
import { scopeLines } from "../src/scopes.js";
import { made } from "./made.js";

const places = (rows: { line: number; func: string }[]): string => rows.map((r) => `${r.func}:${r.line}`).join(" ");

test("what the program left out comes back", () => {
  const report = made();
  assert.equal(rowsOf(report)[0]?.source, "import x");
  assert.equal(rowsOf(report)[4]?.source, "rows.append(1)");
  assert.equal(report.accounts?.[1]?.alloc_bytes, 0);
  assert.equal(report.accounts?.[0]?.parent, 0);
  assert.equal(report.summary?.native_threads.held_bytes, 0);
  assert.equal(report.scopes?.[0]?.held_bytes, 0);
  assert.equal(report.timeline?.[0]?.heap_bytes, 0);
});

test("rows are sorted by a figure, equal ones by place", () => {
  const rows = rowsOf(made());
  assert.equal(places(sorted(rows, "held", true)), "load:4 main:2 <module>:2 <module>:1 main:3");
  assert.equal(places(sorted(rows, "hits", false)), "<module>:1 <module>:2 main:3 main:2 load:4");
  assert.equal(places(sorted(rows, "place", true)), "load:4 main:3 main:2 <module>:2 <module>:1");
});

test("every word of a search must stand somewhere in the line", () => {
  const rows = rowsOf(made());
  assert.equal(places(found(rows, "")), places(rows));
  assert.equal(places(found(rows, "APP.py:2")), "<module>:2 main:2");
  assert.equal(places(found(rows, " append  load ")), "load:4");
  assert.equal(places(found(rows, "nowhere")), "");
});

test("a line of two functions is told once in the source", () => {
  const lines = byLine(rowsOf(made()), "/srv/shop/app.py");
  assert.deepEqual([...lines.keys()], [1, 2, 3]);
  assert.equal(lines.get(2)?.figures.held, 30);
  assert.equal(lines.get(2)?.figures.peak, 30);
  assert.equal(lines.get(2)?.figures.hits, 6);
});

test("files are told without the folder they share", () => {
  assert.equal(commonFolder(["/a/b/c.py", "/a/bc/d.py", "<cell>"]), "/a/");
  assert.equal(commonFolder(["<cell>"]), "");
  assert.equal(shortName("/a/b/c.py", "/a/"), "b/c.py");
  assert.equal(shortName("<cell>", "/a/"), "<cell>");
  assert.equal(shortName("/x.py", "/"), "/x.py");
});

test("figures are those that the book has", () => {
  const report = made();
  assert.equal(figuresOf(report).map((f) => f.key).join(" "), "hits net peak alloc held rss");
  assert.equal(mainKey(report), "held");
  assert.equal(largest(rowsOf(report), "held"), 400);
  const load = report.functions[2]?.lines[0];
  if (load !== undefined) load.held_bytes = 1; // all was freed
  assert.equal(mainKey(report), "net");
  delete report.summary;
  assert.equal(figuresOf(report).map((f) => f.key).join(" "), "hits rss max");
  assert.equal(mainKey(report), "rss");
});

test("the head tells the law, and what is wrong with the book", () => {
  const report = made();
  assert.ok(methodOf(report).includes("heap 530 B = 430 held by lines + 100 outside of them + 0 by native threads; unexplained 0."));
  assert.deepEqual(notesOf(report), []);
  report.truncated = true;
  report.lost_functions = 1;
  assert.equal(notesOf(report).length, 2);
  assert.equal(tilesOf(report)[0]?.value, "430 B");
  delete report.summary;
  assert.ok(methodOf(report).startsWith("Resident memory"));
});

test("a scope's lines are summed over the paths", () => {
  const report = made();
  assert.deepEqual(scopeLines(report.accounts ?? [], 1, 5).map((a) => [a.line, a.held_bytes]), [[4, 300]]);
  assert.deepEqual(scopeLines(report.accounts ?? [], 9, 5), []);
});
