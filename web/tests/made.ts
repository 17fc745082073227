// A small report, as the program writes it into the page: zeros left out.

import type { Report } from "../src/report.js";
import { whole } from "../src/report.js";

const heap = (alloc: number, held: number) => ({ own_net_bytes: held, alloc_bytes: alloc, alloc_count: alloc / 10, freed_bytes: alloc - held, held_bytes: held });

export function made(): Report {
  const line = (n: number, hits: number, alloc: number, held: number) => ({ line: n, hits, rss_net_bytes: 4096 * n, rss_max_bytes: 8192, net_bytes: held, peak_bytes: alloc, ...heap(alloc, held) });
  const sparse = {
    books: 1,
    pid: 7,
    start_ns: 1.8e18,
    complete: true,
    truncated: false,
    lost_functions: 0,
    meta: { command: "app.py" },
    files: [
      { file: "/srv/shop/app.py", changed: false, text: "import x\ndef main():\n    load()\n" },
      { file: "/srv/shop/lib/load.py", changed: false, text: null },
    ],
    functions: [
      { file: "/srv/shop/app.py", name: "<module>", first_line: 1, last_line: 3, lines: [line(1, 1, 0, 0), line(2, 1, 10, 10)] },
      { file: "/srv/shop/app.py", name: "main", first_line: 2, last_line: 3, lines: [line(2, 5, 30, 20), line(3, 1, 0, 0)] },
      { file: "/srv/shop/lib/load.py", name: "load", first_line: 1, last_line: 9, lines: [{ ...line(4, 100, 1000, 400), source: "rows.append(1)" }] },
    ],
    summary: { mode: "exact", native: true, live_bytes: 530, peak_bytes: 900, lines: heap(1040, 430), outside: heap(100, 100), native_threads: {} },
    scopes: [{ id: 1, name: "request", key: "41", begin_ns: 0, end_ns: 10 }, { id: 2, name: "request", key: "42", begin_ns: 5, end_ns: 0, held_bytes: 9 }],
    timeline: [{ at_ns: 1, rss_bytes: 5 }, { at_ns: 2, rss_bytes: 9, heap_bytes: 4 }],
    accounts: [
      { kind: "outside", ...heap(100, 100) },
      { kind: "line", file: "/srv/shop/app.py", function: "main", first_line: 2, line: 3 },
      { kind: "line", file: "/srv/shop/lib/load.py", function: "load", first_line: 1, line: 4, scope: 1, parent: 2, ...heap(700, 300) },
      { kind: "line", file: "/srv/shop/lib/load.py", function: "load", first_line: 1, line: 4, scope: 2, parent: 2, ...heap(300, 100) },
    ],
  };
  return whole(JSON.parse(JSON.stringify(sparse)) as Report);
}
