// Call paths: the accounts of the report become a tree, and the tree becomes boxes of a flame graph.

import type { Account } from "./report.js";

export type Weight = "held" | "alloc" | "objects";

export interface Node {
  name: string;
  file: string;
  line: number; // 0: a function as such, or no line at all
  own: number; // weight of the path that ends here
  total: number; // with all that it called
  children: Node[]; // heaviest first
}

export interface Box {
  node: Node;
  depth: number;
  left: number; // share of the whole width
  width: number;
}

interface Frame {
  name: string;
  file: string;
  line: number;
}

const DEEPEST = 512;

function weigh(a: Account, weight: Weight): number {
  if (weight === "objects") return a.alloc_count;
  return Math.max(0, weight === "held" ? a.held_bytes : a.alloc_bytes);
}

function frame(a: Account): Frame {
  if (a.kind === "outside") return { name: "outside of profiled lines", file: "", line: 0 };
  if (a.kind === "native") return { name: "native threads", file: "", line: 0 };
  return { name: a.function ?? "", file: a.file ?? "", line: a.line ?? 0 };
}

export function hasPaths(accounts: readonly Account[]): boolean {
  return accounts.some((a) => a.parent !== 0);
}

/** Outermost first. Without paths a line stands under its function. */
export function pathOf(accounts: readonly Account[], at: number, paths: boolean): Frame[] {
  const first = accounts[at];
  if (first === undefined) return [];
  const frames = [frame(first)];
  if (!paths && first.kind === "line") return [{ ...frame(first), line: 0 }, ...frames];
  for (let up = first.parent; up > 0 && frames.length < DEEPEST;) {
    const caller = accounts[up - 1];
    if (caller === undefined) break;
    frames.push(frame(caller));
    up = caller.parent;
  }
  return frames.reverse();
}

function child(node: Node, f: Frame, known: Map<Node, Map<string, Node>>): Node {
  let mine = known.get(node);
  if (mine === undefined) known.set(node, (mine = new Map()));
  const key = `${f.line} ${f.file} ${f.name}`;
  let next = mine.get(key);
  if (next === undefined) {
    next = { ...f, own: 0, total: 0, children: [] };
    mine.set(key, next);
    node.children.push(next);
  }
  return next;
}

export function treeOf(accounts: readonly Account[], weight: Weight): Node {
  const root: Node = { name: "all", file: "", line: 0, own: 0, total: 0, children: [] };
  const known = new Map<Node, Map<string, Node>>();
  const paths = hasPaths(accounts);
  accounts.forEach((a, i) => {
    const amount = weigh(a, weight);
    if (amount <= 0) return;
    let node = root;
    node.total += amount;
    for (const f of pathOf(accounts, i, paths)) {
      node = child(node, f, known);
      node.total += amount;
    }
    node.own += amount;
  });
  for (const children of known.keys()) children.children.sort((a, b) => b.total - a.total);
  return root;
}

/** The way from the root to a node, both included; [] if it is not in the tree. */
export function wayTo(root: Node, target: Node): Node[] {
  const stack: Node[][] = [[root]];
  for (let way = stack.pop(); way !== undefined; way = stack.pop()) {
    const last = way[way.length - 1];
    if (last === target) return way;
    for (const c of last?.children ?? []) stack.push([...way, c]);
  }
  return [];
}

/** Boxes of the graph when zoomed to a node: its callers above it over the whole width, then what it
 * called, each as wide as its share. Narrower ones than `least` are left out. */
export function boxes(root: Node, zoomed: Node, least: number): Box[] {
  const way = wayTo(root, zoomed);
  const all: Box[] = way.map((node, depth) => ({ node, depth, left: 0, width: 1 }));
  const queue = all.slice(-1);
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    let left = at.left;
    for (const c of at.node.children) {
      const width = (at.width * c.total) / at.node.total;
      if (width < least) break; // the others are lighter still
      const box = { node: c, depth: at.depth + 1, left, width };
      all.push(box);
      queue.push(box);
      left += width;
    }
  }
  return all;
}

/** The heaviest paths, for a table: ends of paths with their own weight. */
export function heaviest(root: Node, most: number): { way: Node[]; own: number }[] {
  const ends: { way: Node[]; own: number }[] = [];
  const stack: Node[][] = root.children.map((c) => [c]);
  for (let way = stack.pop(); way !== undefined; way = stack.pop()) {
    const last = way[way.length - 1];
    if (last === undefined) continue;
    if (last.own > 0) ends.push({ way, own: last.own });
    for (const c of last.children) stack.push([...way, c]);
  }
  return ends.sort((a, b) => b.own - a.own).slice(0, most);
}
