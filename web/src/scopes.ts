// The lines of a scope.

import type { Account } from "./report.js";

/** A scope's accounts, summed by line over the paths that lead there; those that hold most first. */
export function scopeLines(accounts: readonly Account[], scope: number, most: number): Account[] {
  const lines = new Map<string, Account>();
  for (const a of accounts) {
    if (a.scope !== scope || a.alloc_bytes === 0) continue;
    const key = `${a.kind} ${a.line ?? 0} ${a.file ?? ""} ${a.function ?? ""}`;
    const old = lines.get(key);
    lines.set(key, old === undefined ? a : { ...old, held_bytes: old.held_bytes + a.held_bytes, alloc_bytes: old.alloc_bytes + a.alloc_bytes });
  }
  return [...lines.values()].sort((a, b) => b.held_bytes - a.held_bytes || b.alloc_bytes - a.alloc_bytes).slice(0, most);
}
