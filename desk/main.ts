import { join } from "node:path";
import { SettingsError } from "../gateway/settings/fault";
import { clientProgram } from "./program";
import { Refusal } from "./refusal";
import { statusProgram } from "./status";

const desk = {
  projectDir: join(__dirname, ".."),
  // npm runs scripts in the project's folder, wherever it was called.
  workDir: process.env["INIT_CWD"] ?? process.cwd(),
  env: process.env,
  print: (text: string) => console.log(text),
  colours: process.stdout.isTTY && !process.env["NO_COLOR"],
  remark: (text: string) => console.error(text),
};

const programs = { client: clientProgram, status: statusProgram };
const [, , which, ...words] = process.argv;

programs[which as keyof typeof programs](desk)
  .parseAsync(words, { from: "user" })
  .catch((error: unknown) => {
    const foreseen = error instanceof Refusal || error instanceof SettingsError;
    console.error(`error: ${foreseen ? error.message : String(error)}`);
    process.exitCode = 1;
  });
