import { inlineOptions } from "./profileOptions";
import type { InlineFile, ProfileFinding } from "./profileParts";

/** A line with an option. */
export interface OptionItem {
  readonly kind: "option";
  readonly line: number;
  readonly name: string;
  readonly parameters: readonly string[];
  /** The line of the <connection> that it stands in. */
  readonly connection: number | undefined;
}

/** A block, such as <ca>. */
export interface BlockItem extends InlineFile {
  readonly kind: "block";
  /** It is closed, and none of its rows was left out. */
  readonly whole: boolean;
  readonly connection: number | undefined;
}

export type Item = OptionItem | BlockItem;

/** Bytes of an option's line that OpenVPN reads; it stops at a longer one (OPTION_LINE_SIZE in its options.h, with the line's end). */
export const LONGEST_LINE = 254;

/**
 * Splits a line as OpenVPN does (parse_line in its options_parse.c): blanks part words, quotes at a word's beginning hold it together,
 * # and ; at a word's beginning start a comment.
 * @returns undefined when OpenVPN would stop at the line, or when it holds a backslash, which OpenVPN reads as an escape
 */
function words(line: string): string[] | undefined {
  const found: string[] = [];
  const blanks = /[ \t]*/y;
  const word = /"([^"\\]*)"|'([^'\\]*)'|([^ \t"'#;\\][^ \t\\]*)(?![^ \t])|([#;].*)|$/y;
  for (;;) {
    // Apart from the word, so that no blank is looked at twice.
    blanks.lastIndex = word.lastIndex;
    blanks.exec(line);
    word.lastIndex = blanks.lastIndex;
    const match = word.exec(line);
    if (!match) return undefined;
    const text = match[1] ?? match[2] ?? match[3];
    if (text === undefined) return found;
    found.push(text);
  }
}

/** Writes a word so that OpenVPN reads the same one, whatever stands in it. */
const written = (word: string): string => (/^[\w.:=,+/@!?-]+$/.test(word) ? word : `"${word.replaceAll('"', '\\"')}"`);

export const writtenLine = (parts: readonly string[]): string => parts.map(written).join(" ");

// eslint-disable-next-line no-control-regex -- these are what it looks for
const hasControls = (raw: string): boolean => /[\0-\x08\x0b-\x1f\x7f]/.test(raw);

/**
 * Reads a provider's .ovpn file into options and blocks, in their order.
 * A block's rows that OpenVPN could take for something else are left out, each with a finding.
 */
export function readItems(text: string): { items: readonly Item[]; findings: readonly ProfileFinding[] } {
  const items: Item[] = [];
  const findings: ProfileFinding[] = [];
  const find = (line: number, problem: string, mend: string) => void findings.push({ line, problem, mend });
  const rows = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const sound = (raw: string, line: number): boolean => {
    if (!hasControls(raw)) return true;
    find(line, "a control character stands in the line", "take the character out: the line is text without it");
    return false;
  };

  /** The rows of the block that begins behind `at`, and where it ends; OpenVPN ends it at any line that begins with its end. */
  const blockAfter = (at: number, name: string, known: boolean): { inside: string[]; end: number; whole: boolean } => {
    const inside: string[] = [];
    let whole = true;
    for (let row = at + 1; row < rows.length; row += 1) {
      const raw = rows[row] ?? "";
      if (raw.trimStart().startsWith(`</${name}>`)) return { inside, end: row, whole };
      // OpenVPN reads a long line in pieces, each of which may begin with the end.
      const keep = sound(raw, row + 1) && !(known && raw.includes("<"));
      if (keep) inside.push(raw);
      else if (!hasControls(raw))
        find(row + 1, "an inline file holds a <", "leave nothing but the key or certificate in the block");
      whole &&= keep;
    }
    find(at + 1, "a block begins that is never closed", "close it, as in </ca>");
    return { inside, end: rows.length, whole: false };
  };

  let connection: number | undefined;
  for (let at = 0; at < rows.length; at += 1) {
    const line = at + 1;
    const raw = rows[at] ?? "";
    if (!sound(raw, line)) continue;
    const parts = words(raw);
    if (!parts) find(line, "a backslash, or a quote that is not closed, stands in the line", "write it without");
    if (!parts || parts[0] === undefined) continue;
    const name = parts[0].replace(/^--(?=.)/, "");
    const block = parts.length === 1 ? /^<(.*)>$/.exec(name)?.[1] : undefined;
    if (connection !== undefined && name.startsWith("</connection>")) connection = undefined;
    else if (block === "connection" && connection === undefined) connection = line;
    else if (block !== undefined) {
      const { inside, end, whole } = blockAfter(at, block, connection === undefined && inlineOptions.has(block));
      items.push({ kind: "block", name: block, line, rows: inside, whole, connection });
      at = end;
    } else items.push({ kind: "option", line, name, parameters: parts.slice(1), connection });
  }
  if (connection !== undefined) find(connection, "a block begins that is never closed", "close it, as in </ca>");
  return { items, findings };
}
