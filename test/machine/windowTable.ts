import { describe, expect, it } from "vitest";
import { python } from "./python";

/** As selectors.json has it. */
export interface Window {
  readonly days: readonly number[];
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
}
export const everyDay = [1, 2, 3, 4, 5, 6, 7];
export const at = (from: string, to: string, timeZone: string, days: readonly number[] = everyDay): Window => ({
  days,
  from,
  to,
  timeZone,
});

/** A span of UTC days, and from when to when a window is open in it. */
type Row = readonly [name: string, window: Window, first: string, last: string, open: readonly string[]];

/** Asks every minute of the rows' spans. */
const openings = (rows: readonly Row[]): string[][] =>
  python(
    `
import datetime, selection
result = []
minute = datetime.timedelta(minutes=1)
for window, first, last in data:
    now, end = (datetime.datetime.fromisoformat(day + "T00:00+00:00") for day in (first, last))
    spans, began, end = [], None, end + 1440 * minute
    while now <= end:
        is_open = now < end and selection.is_open(window, now)
        if is_open and began is None:
            began = now
        elif not is_open and began is not None:
            spans.append(f"{began:%m-%dT%H:%M} {now:%m-%dT%H:%M}")
            began = None
        now += minute
    result.append(spans)
`,
    rows.map(([, window, first, last]) => [window, first, last]),
  );

/** Tests, by their names: at which minutes a window is open. */
export function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    const found = openings(rows);
    it.each(rows.map(([title, , , , open], index) => [title, open, found[index]]))("%s", (_, open, is) => {
      expect(is).toEqual(open);
    });
  });
}

export const BERLIN = "Europe/Berlin";
export const NEW_YORK = "America/New_York";
