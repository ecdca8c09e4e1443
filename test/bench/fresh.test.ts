import { describe, expect, test } from "vitest";

import { lostEchoes } from "../../lab/bench/fresh";

/** What ping says of requests 1..sent, of which some were answered. */
const said = (sent: number, answered: (seq: number) => boolean): string => {
  const lines = Array.from({ length: sent }, (_, index) => index + 1)
    .filter(answered)
    .map((seq) => `64 bytes from 192.0.2.80: icmp_seq=${seq} ttl=61 time=0.4 ms\n`);
  return `${lines.join("")}\n--- 192.0.2.80 ping statistics ---\n${sent} packets transmitted, ${lines.length} received\n`;
};

describe("lost echoes", () => {
  test.each([
    ["none", said(200, () => true), 0],
    ["some on the way", said(200, (seq) => seq % 50 !== 0 || seq === 200), 3],
    ["the one that was under way at the end", said(200, (seq) => seq < 200), 0],
    ["at the beginning", said(200, (seq) => seq > 10), 10],
  ])("%s", (_, text, lost) => {
    expect(lostEchoes(text)).toBe(lost);
  });

  test.each([
    ["nothing said", ""],
    ["nothing answered", said(200, () => false)],
    ["no answer any more", said(300, (seq) => seq < 150)],
    ["too short to tell", said(20, () => true)],
  ])("%s is an error", (_, text) => {
    expect(() => lostEchoes(text)).toThrow("not answered to the end");
  });
});
