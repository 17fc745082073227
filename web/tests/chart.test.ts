import assert from "node:assert/strict";
import { test } from "node:test";
import { lanes, line, nearest, share, spanOf, thinned, ticks } from "../src/chart.js";
import type { Moment, Scope } from "../src/report.js";

const moment = (at_ns: number, rss_bytes: number): Moment => ({ at_ns, rss_bytes, heap_bytes: 0, limit_use_bytes: 0 });
const scope = (begin_ns: number, end_ns: number): Scope => ({ id: 1, parent: 0, name: "", key: "", begin_ns, end_ns, net_bytes: 0, peak_bytes: 0, alloc_bytes: 0, held_bytes: 0 });

test("ticks are round and cover the whole", () => {
  assert.deepEqual(ticks(90 << 20, 5, 1024).map((n) => n / 2 ** 20), [0, 20, 40, 60, 80]);
  assert.deepEqual(ticks(33, 8, 1000), [0, 5, 10, 15, 20, 25, 30]);
  assert.deepEqual(ticks(0, 5, 1024), [0]);
  assert.deepEqual(ticks(NaN, 5, 1024), [0]);
  for (const most of [0.003, 0.7, 1, 999, 1023, 1025, 5e9, 2 ** 40]) {
    const all = ticks(most, 5, 1024);
    assert.ok(all.length >= 2 && all.length <= 7);
  }
});

test("a span reaches from the first moment or scope to the last", () => {
  assert.deepEqual(spanOf([moment(5, 1), moment(9, 1)], [scope(3, 0), scope(8, 12)]), { from: 3, to: 12 });
  assert.deepEqual(spanOf([], []), { from: 0, to: 1 });
  assert.deepEqual(spanOf([moment(5, 1)], []), { from: 5, to: 6 });
  assert.equal(share(7.5, { from: 5, to: 10 }), 0.5);
  assert.equal(share(99, { from: 5, to: 10 }), 1);
});

test("scopes that overlap stand in lanes of their own, as far as there are", () => {
  assert.deepEqual(lanes([scope(0, 5), scope(1, 3), scope(3, 4), scope(6, 0)], 10, 2), [0, 1, 1, 0]);
  assert.deepEqual(lanes([scope(0, 9), scope(1, 9)], 10, 1), [0, -1]);
});

test("of many moments the highest of each stretch stay", () => {
  const all = Array.from({ length: 1000 }, (_, i) => moment(i, i === 500 ? 99 : 1));
  assert.equal(thinned(all, 100).length, 100);
  assert.ok(thinned(all, 100).some((m) => m.rss_bytes === 99));
  assert.equal(thinned(all, 5000).length, 1000);
  assert.equal(nearest(all, 499.7), 500);
  assert.equal(line([[1, 2], [3, 4]]), "M1.0,2.0 L3.0,4.0");
});
