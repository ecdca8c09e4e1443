import { describe, expect, test } from "vitest";

import { echoesOf } from "../../lab/echoes";

/** What ping says of requests 1..sent, of which some were answered. */
const said = (sent: number, answered: (seq: number) => boolean): string => {
  const lines = Array.from({ length: sent }, (_, index) => index + 1)
    .filter(answered)
    .map((seq) => `64 bytes from 192.0.2.80: icmp_seq=${seq} ttl=61 time=0.4 ms\n`);
  return `${lines.join("")}\n--- 192.0.2.80 ping statistics ---\n${sent} packets transmitted, ${lines.length} received\n`;
};

describe("lost echoes, of 200 and those of the second after them", () => {
  test.each([
    ["none", () => true, 0],
    ["some on the way", (seq: number) => seq % 50 !== 0, 4],
    ["none of the second after", (seq: number) => seq <= 200, 0],
    ["at the beginning", (seq: number) => seq > 10, 10],
    ["at the end, and no answer any more", (seq: number) => seq <= 150, 50],
    ["all", () => false, 200],
  ] as const)("%s", (_, answered, lost) => {
    expect(echoesOf(said(300, answered))).toEqual({ sent: 200, lost });
  });

  test.each([
    ["nothing said", ""],
    ["less than that second", said(99, () => true)],
  ])("%s is an error", (_, text) => {
    expect(() => echoesOf(text)).toThrow("did not run all the time");
  });
});
