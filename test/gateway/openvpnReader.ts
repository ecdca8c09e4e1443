/**
 * How OpenVPN 2.6 reads a configuration, after its options_parse.c (read_config_file, parse_line, check_inline_file), byte for byte:
 * what a profile means is what this says, not what it looks like.
 */

const LINE_SIZE = 256;

export interface ReadOption {
  readonly name: string;
  readonly parameters: readonly string[];
  /** Its last parameter stood as a block. */
  readonly inline: boolean;
}

/** Where OpenVPN would stop. */
export class ReadError extends Error {}

const isSpace = (char: string): boolean => char === "" || /[ \t\n\v\f\r]/.test(char);

/** fgets: up to size - 1 bytes, no further than the end of a line. */
class Input {
  #at = 0;
  constructor(readonly text: string) {}

  next(size: number): string | undefined {
    if (this.#at >= this.text.length) return undefined;
    const end = this.text.indexOf("\n", this.#at);
    const until = Math.min(end < 0 ? this.text.length : end + 1, this.#at + size - 1);
    const line = this.text.slice(this.#at, until);
    this.#at = until;
    const nul = line.indexOf("\0");
    return nul < 0 ? line : line.slice(0, nul);
  }
}

export function parseLine(line: string): string[] {
  const found: string[] = [];
  let state: "initial" | "quoted" | "single" | "plain" = "initial";
  let backslash = false;
  let parameter = "";
  for (const char of [...line, ""]) {
    let out = "";
    let done = false;
    if (!backslash && char === "\\" && state !== "single") {
      backslash = true;
      continue;
    }
    if (state === "initial") {
      if (!isSpace(char)) {
        if (char === ";" || char === "#") break;
        if (!backslash && char === '"') state = "quoted";
        else if (!backslash && char === "'") state = "single";
        else {
          out = char;
          state = "plain";
        }
      }
    } else if (state === "plain") {
      if (!backslash && isSpace(char)) done = true;
      else out = char;
    } else if (state === "quoted") {
      if (!backslash && char === '"') done = true;
      else out = char;
    } else if (char === "'") done = true;
    else out = char;
    if (done) {
      found.push(parameter);
      parameter = "";
      state = "initial";
    }
    if (backslash && out !== "" && !(out === "\\" || out === '"' || isSpace(out))) throw new ReadError("backslash");
    backslash = false;
    parameter += out;
    if (found.length >= 16) break;
  }
  if (state !== "initial") throw new ReadError("no closing quotation");
  return found;
}

/** @returns every option as OpenVPN would take it @throws ReadError where it would stop */
export function readConfig(text: string): ReadOption[] {
  const input = new Input(Buffer.from(text, "utf8").toString("latin1"));
  const options: ReadOption[] = [];
  for (let first = true; ; first = false) {
    const line = input.next(LINE_SIZE + 1);
    if (line === undefined) return options;
    if (line.length === LINE_SIZE) throw new ReadError("line too long");
    const [word, ...parameters] = parseLine(first ? line.replace(/^\xEF\xBB\xBF/, "") : line);
    if (word === undefined) continue;
    const name = word.length >= 3 && word.startsWith("--") ? word.slice(2) : word;
    if (parameters.length > 0 || !name.startsWith("<") || !name.endsWith(">")) {
      options.push({ name, parameters, inline: false });
      continue;
    }
    const block = name.slice(1, -1);
    let content = "";
    for (;;) {
      const piece = input.next(LINE_SIZE);
      // 2.6 takes a block without an end; later releases stop.
      if (piece === undefined || piece.replace(/^[ \t\n\v\f\r]+/, "").startsWith(`</${block}>`)) break;
      content += piece;
    }
    options.push({ name: block, parameters: [content], inline: true });
  }
}
