import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { python } from "./python";
import { at, BERLIN, everyDay, NEW_YORK, table } from "./windowTable";

const [fri, sat, sun] = [5, 6, 7];

// 2026-01-02 is a Friday.
table("nights and days", [
  [
    "over midnight on Fridays: open on Saturday until 06:00, closed on Sunday",
    at("22:00", "06:00", "UTC", [fri]),
    "2026-01-01",
    "2026-01-09",
    ["01-02T22:00 01-03T06:00", "01-09T22:00 01-10T00:00"],
  ],
  [
    "over midnight on Sundays: the week's end is no border",
    at("22:00", "06:00", "UTC", [sun]),
    "2026-01-03",
    "2026-01-06",
    ["01-04T22:00 01-05T06:00"],
  ],
  [
    "over midnight on Fridays and Saturdays",
    at("22:00", "06:00", "UTC", [fri, sat]),
    "2026-01-02",
    "2026-01-05",
    ["01-02T22:00 01-03T06:00", "01-03T22:00 01-04T06:00"],
  ],
  [
    "over midnight and an hour that is missing: one hour less",
    at("22:00", "06:00", BERLIN, [sat]),
    "2026-03-28",
    "2026-03-29",
    ["03-28T21:00 03-29T04:00"],
  ],
  [
    "over midnight and an hour that is doubled: one hour more",
    at("22:00", "06:00", BERLIN, [sat]),
    "2026-10-24",
    "2026-10-25",
    ["10-24T20:00 10-25T05:00"],
  ],
  ["a year's end", at("23:00", "01:00", BERLIN, [4]), "2026-12-31", "2027-01-01", ["12-31T22:00 01-01T00:00"]],
  ["all of a day", at("00:00", "24:00", "UTC", [fri]), "2026-01-01", "2026-01-04", ["01-02T00:00 01-03T00:00"]],
  ["all of two days", at("00:00", "24:00", "UTC", [fri, sat]), "2026-01-01", "2026-01-05", ["01-02T00:00 01-04T00:00"]],
  [
    "every day and all day: always",
    at("00:00", "24:00", BERLIN),
    "2026-10-24",
    "2026-10-26",
    ["10-24T00:00 10-27T00:00"],
  ],
  ["until 24:00", at("22:00", "24:00", "UTC", [fri]), "2026-01-01", "2026-01-04", ["01-02T22:00 01-03T00:00"]],
  [
    "until 00:00, which is the same",
    at("22:00", "00:00", "UTC", [fri]),
    "2026-01-01",
    "2026-01-04",
    ["01-02T22:00 01-03T00:00"],
  ],
  [
    "until the minute before it began",
    at("12:00", "11:59", "UTC", [fri]),
    "2026-01-01",
    "2026-01-04",
    ["01-02T12:00 01-03T11:59"],
  ],
  ["one minute", at("23:59", "24:00", "UTC", [fri]), "2026-01-01", "2026-01-04", ["01-02T23:59 01-03T00:00"]],
  [
    "a day that begins elsewhere: Saturday in Auckland is Friday in UTC",
    at("00:00", "06:00", "Pacific/Auckland", [sat]),
    "2026-01-01",
    "2026-01-04",
    ["01-02T11:00 01-02T17:00"],
  ],
]);

describe("a window", () => {
  const zones = [
    "UTC",
    BERLIN,
    NEW_YORK,
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Auckland",
  ];
  const clock = fc.integer({ min: 0, max: 1439 });
  const text = (minutes: number): string =>
    `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  const anyWindow = fc
    .record({
      days: fc.subarray(everyDay, { minLength: 1 }),
      from: clock,
      to: fc.oneof(clock, fc.constant(1440)),
      timeZone: fc.constantFrom(...zones),
    })
    .filter(({ from, to }) => from !== to);
  const year = 365 * 24 * 60;
  const changes = ["2026-03-29T01:00Z", "2026-10-25T01:00Z", "2027-03-14T07:00Z", "2027-11-07T06:00Z"].map(Date.parse);
  const anyMoment = fc.oneof(
    fc.nat({ max: 2 * year }).map((minutes) => Date.parse("2026-01-01T00:00Z") + minutes * 60_000),
    fc
      .tuple(fc.constantFrom(...changes), fc.integer({ min: -300, max: 300 }))
      .map(([change, minutes]) => change + minutes * 60_000),
  );

  /** Minutes since Monday 00:00 on the clock of a zone, by this platform's own time zone data. */
  function minuteOfWeek(moment: number, timeZone: string): number {
    const options = { timeZone, weekday: "short", hour: "numeric", minute: "numeric", hourCycle: "h23" } as const;
    const parts = new Intl.DateTimeFormat("en", options).formatToParts(moment);
    const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
    const day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(part("weekday"));
    return day * 1440 + Number(part("hour")) * 60 + Number(part("minute"));
  }
  const modulo = (value: number, by: number) => ((value % by) + by) % by;

  it("is open for as long as it lasts, from each of its days' beginnings", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyWindow, anyMoment), { minLength: 300, maxLength: 300 }), (cases) => {
        const found = python<boolean[]>(
          `
import datetime, selection
at = lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
result = [selection.is_open(window, at(seconds)) for window, seconds in data]
`,
          cases.map(([{ from, to, ...rest }, moment]) => [{ ...rest, from: text(from), to: text(to) }, moment / 1000]),
        );
        cases.forEach(([{ days, from, to, timeZone }, moment], index) => {
          const lasts = modulo(to - from, 1440) || 1440;
          const now = minuteOfWeek(moment, timeZone);
          const open = days.some((day) => modulo(now - (day - 1) * 1440 - from, 7 * 1440) < lasts);
          expect([timeZone, new Date(moment).toISOString(), text(from), text(to), days, found[index]]).toEqual([
            timeZone,
            new Date(moment).toISOString(),
            text(from),
            text(to),
            days,
            open,
          ]);
        });
      }),
      { numRuns: 20 },
    );
  });

  it("is the same whatever the zone of the machine and of the moment", () => {
    const found = python<boolean[]>(
      `
import datetime, os, selection, time, zoneinfo
result = []
for zone in ("UTC", "Pacific/Auckland", "America/New_York"):
    os.environ["TZ"] = zone
    time.tzset()
    for moment in ("2026-01-02T08:59+01:00", "2026-01-02T09:00+01:00", "2026-01-02T15:59+00:00", "2026-01-02T16:00+00:00"):
        now = datetime.datetime.fromisoformat(moment)
        result.append(selection.is_open(data, now))
        result.append(selection.is_open(data, now.astimezone(zoneinfo.ZoneInfo(zone))))
`,
      at("09:00", "17:00", BERLIN),
    );
    expect(found).toEqual(Array(3).fill([false, false, true, true, true, true, false, false]).flat());
  });

  it("of a zone that this machine does not know stops a release, in words that help", () => {
    const said = python<(string | null)[]>(
      `
import machine, selection
result = []
for zone in data:
    try:
        selection.check_zones(json.dumps({"windows": [{"timeZone": "UTC"}, {"timeZone": zone}]}))
        result.append(None)
    except machine.Fault as fault:
        result.append(str(fault))
`,
      [BERLIN, "UTC", "Europe/Nowhere", "Europe/../../../etc/passwd"],
    );
    expect(said.slice(0, 2)).toEqual([null, null]);
    expect(said[2]).toContain("this machine's time zone data has no Europe/Nowhere: use its present name");
    expect(said[3]).toContain("has no Europe/../../../etc/passwd");
  });
});
