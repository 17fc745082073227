// What the tests use of Node, so that checking them needs no package.
declare module "node:test" {
  export function test(name: string, run: () => void): void;
}
declare module "node:assert/strict" {
  interface Assert {
    equal(got: unknown, expected: unknown): void;
    deepEqual(got: unknown, expected: unknown): void;
    ok(value: unknown): void;
  }
  const assert: Assert;
  export default assert;
}
