import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Lab } from "../../lab/lab";
import { observe, type Outcome, wrongIn } from "../../lab/leaks/fault";
import { controls, faults } from "../../lab/leaks/faults";
import { Scene } from "../../lab/leaks/scene";
import { table } from "../../lab/leaks/table";
import { kinds } from "../../lab/probes";

const outcomes: Outcome[] = [];
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(async () => {
  console.log(table(outcomes));
  await Lab.clear();
});

const seenOf = async (fault: (typeof faults)[number]): Promise<Outcome> => {
  const outcome = await observe(fault, scene);
  outcomes.push(outcome);
  return outcome;
};

describe("control: without what holds them, probes are seen outside", () => {
  test.each(controls)("$title", async (control) => {
    const { leaked, recovered } = await seenOf(control);
    const seen = new Set(leaked.map(({ kind }) => kind));
    expect(kinds.filter((kind) => !seen.has(kind))).toEqual(control.hides ?? []);
    expect(recovered).toBeTypeOf("number");
  });
});

describe("none is seen, nobody else is disturbed, and all comes back", () => {
  test.each(faults)("$title", async (fault) => {
    expect(wrongIn(await seenOf(fault))).toEqual([]);
  });
});

test("the captures missed no packet", async () => {
  expect(await scene.outside.stop()).toBe(0);
});
