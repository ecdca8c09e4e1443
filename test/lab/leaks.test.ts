import { afterAll, beforeAll, expect, test } from "vitest";
import { Lab } from "../../lab/lab";
import { observe, type Outcome, wrongIn } from "../../lab/leaks/fault";
import { faults } from "../../lab/leaks/faults";
import { Scene } from "../../lab/leaks/scene";
import { table } from "../../lab/leaks/table";

const outcomes: Outcome[] = [];
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(async () => {
  console.log(table(outcomes));
  await Lab.clear();
});

// In the controls, the first and the one before the boot, probes must be seen outside.
test.each(faults.map((fault) => [fault.title, fault] as const))("%s", async (_, fault) => {
  const outcome = await observe(fault, scene);
  outcomes.push(outcome);
  expect(wrongIn(outcome)).toEqual([]);
});

test("controls: what was answered to another address than the exit's was seen", () => {
  expect(outcomes[0]?.leaked.map(({ text }) => text)).toContainEqual(expect.stringMatching(/of vpn, answered to /));
});

test("the captures missed no packet", async () => {
  expect(await scene.outside.stop()).toBe(0);
});
