import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, change, count, duration, range, several } from "../src/text.js";

test("bytes read as in the table of the terminal", () => {
  const rows: [number, string][] = [
    [0, "0"], [1, "1 B"], [1023, "1023 B"], [1024, "1.0 KiB"], [1536, "1.5 KiB"],
    [1048575, "1.0 MiB"], [40 << 20, "40.0 MiB"], [3 * 2 ** 30, "3.0 GiB"], [-2048, "\u22122.0 KiB"],
    [2 ** 63, "8388608.0 TiB"],
  ];
  for (const [n, text] of rows) assert.equal(bytes(n), text);
  assert.equal(change(2048), "+2.0 KiB");
  assert.equal(change(0), "0");
  assert.equal(change(-1), "\u22121 B");
});

test("counts have commas", () => {
  assert.equal(count(0), "0");
  assert.equal(count(999), "999");
  assert.equal(count(1234567), "1,234,567");
  assert.equal(count(-1234), "-1,234");
  assert.equal(several(1, "line"), "1 line");
  assert.equal(several(2000, "line"), "2,000 lines");
});

test("an estimate tells how good it is", () => {
  assert.equal(range(100, [100, 100.1]), "");
  assert.equal(range(100, [95, 108]), "\u00b18 %");
  assert.equal(range(3 << 20, [1 << 20, 9 << 20]), "1.0 MiB \u2026 9.0 MiB");
  assert.equal(range(0, [0, 2048]), "< 2.0 KiB");
});

test("durations", () => {
  assert.equal(duration(0), "0");
  assert.equal(duration(1500), "2 \u00b5s");
  assert.equal(duration(350e6), "350 ms");
  assert.equal(duration(1.25e9), "1.25 s");
  assert.equal(duration(5e9), "5 s");
  assert.equal(duration(250e9), "250 s");
});
