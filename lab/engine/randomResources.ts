import { randomBytes, randomInt } from "node:crypto";
import type { Provider } from "./resources";
import type { WireProperties } from "./secretValue";

const LETTERS_AND_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** A value that is made once; every input replaces it, as in the real provider (terraform-provider-random, RequiresReplace on all). */
const valueOnce = (
  secretOutputs: readonly string[],
  make: (inputs: WireProperties) => { id: string; outputs: WireProperties },
): Provider => ({
  lasting: false,
  secretOutputs,
  create: (inputs) => Promise.resolve(make(inputs)),
  delete: () => Promise.resolve(),
});

/** As pulumi-random 4.21 makes them, with its IDs, which are never encrypted. Its `bcryptHash` is left out: the program does not use it. */
export const randomResources: Readonly<Record<string, Provider>> = {
  "random:index/randomPassword:RandomPassword": valueOnce(["result"], ({ length, special }) => {
    if (special !== false) throw new Error("the embedded engine makes no special characters: use the Pulumi CLI");
    const characters = Array.from(
      { length: Number(length) },
      () => LETTERS_AND_DIGITS[randomInt(LETTERS_AND_DIGITS.length)],
    );
    // terraform-provider-random, resource_password.go.
    return { id: "none", outputs: { result: characters.join("") } };
  }),
  // The program makes none: its ID is its value, which the tests show.
  "random:index/randomBytes:RandomBytes": valueOnce(["base64", "hex"], ({ length }) => {
    const bytes = randomBytes(Number(length));
    const base64 = bytes.toString("base64");
    // pulumi-random, provider/resources.go, computeRandomBytesID.
    return { id: base64, outputs: { base64, hex: bytes.toString("hex") } };
  }),
};
