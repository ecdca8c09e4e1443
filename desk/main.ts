import { join } from "node:path";
import { SettingsError } from "../gateway/settings/fault";
import { clientProgram } from "./program";
import { Refusal } from "./refusal";

const desk = {
  projectDir: join(__dirname, ".."),
  // npm runs scripts in the project's folder, wherever it was called.
  workDir: process.env["INIT_CWD"] ?? process.cwd(),
  env: process.env,
  print: (text: string) => console.log(text),
  remark: (text: string) => console.error(text),
};

clientProgram(desk)
  .parseAsync()
  .catch((error: unknown) => {
    const foreseen = error instanceof Refusal || error instanceof SettingsError;
    console.error(`error: ${foreseen ? error.message : String(error)}`);
    process.exitCode = 1;
  });
