import * as random from "@pulumi/random";
import { expect, it } from "vitest";
import { redact, type Wire } from "../../lab/engine/secretValue";
import { exposedIn, secretTexts } from "../lab/stateSecrets";
import { EngineStack } from "./engineStack";

const stack = new EngineStack();

const exposed = async (program: () => void): Promise<number> => {
  await stack.run(program);
  const secrets = secretTexts(stack.stored());
  expect(secrets.length).toBeGreaterThan(0);
  return exposedIn(JSON.stringify(redact(stack.stored() as unknown as Wire)), secrets).length;
};

it("finds a secret that is a resource's ID, as that of random bytes is", async () => {
  expect(await exposed(() => void new random.RandomBytes("bytes", { length: 32 }))).toBe(1);
});

it("finds none where the ID is not the value", async () => {
  expect(await exposed(() => void new random.RandomPassword("text", { length: 64, special: false }))).toBe(0);
});
