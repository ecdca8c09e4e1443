/** A sample of Prometheus' text format 0.0.4. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\\\\\|\\\\"|\\\\n)*)"';

/**
 * Reads Prometheus' text format as Prometheus does, and its conventions.
 * @throws Error when a line is none, a metric has no help or type, or two, stands in two places, a counter is not called _total, a value is no
 * number, or the same sample stands there twice
 */
export function readExposition(text: string): Sample[] {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const types = new Map<string, string>();
  const helped = new Set<string>();
  const seen = new Set<string>();
  let current = "";
  return text
    .slice(0, -1)
    .split("\n")
    .flatMap((line): Sample[] => {
      const [, keyword, about, rest] = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`).exec(line) ?? [];
      if (keyword === "HELP") {
        if (helped.has(about!)) throw new Error(`${about} has two helps`);
        helped.add((current = about!));
        return [];
      }
      if (keyword === "TYPE") {
        if (about !== current || types.has(about)) throw new Error(`the type of ${about} is not where it belongs`);
        if (rest !== "gauge" && rest !== "counter") throw new Error(`${about} is a ${rest}`);
        if ((rest === "counter") !== about.endsWith("_total")) throw new Error(`${about} is a ${rest}`);
        types.set(about, rest);
        return [];
      }
      const [whole, name, inner = "", value] =
        new RegExp(`^(${NAME})(?:\\{((?:${LABEL},)*${LABEL})\\})? (\\S+)$`)
          .exec(line)
          ?.filter((_, index, all) => index < 3 || index === all.length - 1) ?? [];
      if (whole === undefined) throw new Error(`no sample: ${line}`);
      if (name !== current || !types.has(name)) throw new Error(`${name} stands apart from its type`);
      if (!/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/.test(value!)) throw new Error(`no number: ${line}`);
      const labels = Object.fromEntries(
        [...inner.matchAll(new RegExp(LABEL, "g"))].map(([, key, raw]) => [
          key!,
          raw!.replaceAll(/\\(.)/g, (_, one: string) => (one === "n" ? "\n" : one)),
        ]),
      );
      const key = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
      if (seen.has(key)) throw new Error(`twice: ${line}`);
      seen.add(key);
      return [{ name: name, labels, value: Number(value) }];
    });
}
