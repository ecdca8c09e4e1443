import { randomBytes, randomUUID } from "node:crypto";
import type { WireProperties } from "./secretValue";
import { type Connection, type Output, runRemote } from "./ssh";

/** What a resource does; properties come in the clear. */
export interface Provider {
  /** Whether a step leaves something outside of this process: then the state is written before and after it. */
  readonly lasting: boolean;
  create(inputs: WireProperties, show: (line: string) => void): Promise<{ id: string; outputs: WireProperties }>;
  /** Without it a resource of this kind cannot be changed. */
  update?(inputs: WireProperties, show: (line: string) => void): Promise<WireProperties>;
  delete(inputs: WireProperties, show: (line: string) => void): Promise<void>;
}

const shownStreams: Record<string, readonly (keyof Output)[]> = { none: [], stdout: ["stdout"], stderr: ["stderr"] };

async function runCommand(
  command: unknown,
  inputs: WireProperties,
  show: (line: string) => void,
): Promise<WireProperties> {
  if (typeof command !== "string") return { stdout: "", stderr: "" };
  const { connection, stdin, logging } = inputs as unknown as {
    connection: Connection;
    stdin?: string;
    logging?: string;
  };
  const shown = shownStreams[logging ?? ""] ?? ["stdout", "stderr"];
  const onLine = (stream: keyof Output, line: string) => shown.includes(stream) && show(line);
  return { ...(await runRemote(connection, { command, stdin: stdin ?? "", onLine })) };
}

function newBytes({ length }: WireProperties): WireProperties {
  const bytes = randomBytes(Number(length));
  return { base64: bytes.toString("base64"), hex: bytes.toString("hex") };
}

/** What the engine can make, by Pulumi's type. Everything else is refused. */
export const providers: Readonly<Record<string, Provider>> = {
  "random:index/randomBytes:RandomBytes": {
    lasting: false,
    create: (inputs) => Promise.resolve({ id: "none", outputs: newBytes(inputs) }),
    // The real provider replaces it, which comes to the same: other keepers, other bytes.
    update: (inputs) => Promise.resolve(newBytes(inputs)),
    delete: () => Promise.resolve(),
  },
  "command:remote:Command": {
    lasting: true,
    create: async (inputs, show) => ({ id: randomUUID(), outputs: await runCommand(inputs["create"], inputs, show) }),
    update: (inputs, show) => runCommand(inputs["update"] ?? inputs["create"], inputs, show),
    delete: async (inputs, show) => void (await runCommand(inputs["delete"], inputs, show)),
  },
};
