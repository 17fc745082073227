import assert from "node:assert/strict";
import { test } from "node:test";
import type { Account } from "../src/report.js";
import { boxes, hasPaths, heaviest, pathOf, treeOf, wayTo } from "../src/tree.js";
import { made } from "./made.js";

const accounts = (): Account[] => made().accounts ?? [];
const names = (way: readonly { name: string; line: number }[]): string => way.map((n) => `${n.name}:${n.line}`).join(" ");

test("a path goes from the outermost caller to the line", () => {
  assert.equal(names(pathOf(accounts(), 2, true)), "main:3 load:4");
  assert.equal(names(pathOf(accounts(), 2, false)), "load:0 load:4");
  assert.equal(names(pathOf(accounts(), 99, true)), "");
});

test("circles of damaged books end", () => {
  const all = accounts().slice(1, 3).map((a, i) => ({ ...a, parent: 2 - i }));
  assert.equal(pathOf(all, 0, true).length, 512);
});

test("the tree's totals are the sums of its paths", () => {
  const root = treeOf(accounts(), "held");
  assert.equal(root.total, 500);
  assert.equal(root.children.map((c) => `${c.name} ${c.total}`).join(", "), "main 400, outside of profiled lines 100");
  assert.equal(root.children[0]?.children[0]?.own, 400);
  assert.equal(treeOf(accounts(), "alloc").total, 1100);
  assert.equal(treeOf(accounts(), "objects").total, 110);
  assert.ok(hasPaths(accounts()));
});

test("boxes fill their caller's width, and a zoomed one the whole", () => {
  const root = treeOf(accounts(), "held");
  const load = root.children[0]?.children[0];
  assert.deepEqual(boxes(root, root, 0.01).map((b) => [b.node.name, b.depth, b.left, b.width]), [
    ["all", 0, 0, 1],
    ["main", 1, 0, 0.8],
    ["outside of profiled lines", 1, 0.8, 0.2],
    ["load", 2, 0, 0.8],
  ]);
  assert.equal(boxes(root, root, 0.3).length, 3);
  assert.ok(load !== undefined);
  if (load !== undefined) {
    assert.deepEqual(boxes(root, load, 0.01).map((b) => [b.node.name, b.width]), [["all", 1], ["main", 1], ["load", 1]]);
    assert.equal(wayTo(root, load).length, 3);
  }
  assert.equal(wayTo(root, { ...root }).length, 0);
});

test("the heaviest paths come first", () => {
  assert.deepEqual(heaviest(treeOf(accounts(), "held"), 1).map((p) => [names(p.way), p.own]), [["main:3 load:4", 400]]);
});
