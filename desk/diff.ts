/** How many unchanged lines stand around a change. */
const CONTEXT = 3;

/**
 * One change as `diff -u` shows it.
 * @param shown lines of the new text, by index, that may be seen around it: others may hold secrets
 */
export function unifiedDiff(
  file: string,
  before: string,
  after: string,
  shown: { first: number; last: number },
): string {
  const [old, now] = [before.split(/\r?\n/), after.split(/\r?\n/)];
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < shorter - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;

  const from = Math.min(head, Math.max(head - CONTEXT, shown.first));
  const end = now.length - tail;
  const to = Math.max(end, Math.min(end + CONTEXT, shown.last + 1));
  const mark = (sign: string, lines: readonly string[]) => lines.map((line) => `${sign}${line}`);
  const lines = [
    ...mark(" ", now.slice(from, head)),
    ...mark("-", old.slice(head, old.length - tail)),
    ...mark("+", now.slice(head, end)),
    ...mark(" ", now.slice(end, to)),
  ];
  const length = (sign: string) => lines.filter((line) => line.startsWith(" ") || line.startsWith(sign)).length;
  const hunk = `@@ -${from + 1},${length("-")} +${from + 1},${length("+")} @@`;
  return [`--- ${file}`, `+++ ${file}`, hunk, ...lines].join("\n");
}
