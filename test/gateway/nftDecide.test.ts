import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chain } from "../../gateway/render/nft";
import { decideLink, type Decided, decideMark } from "../../gateway/render/nftDecide";
import { fromClient, load, trace, type Packet } from "./nftTrace";

const names = fc.uniqueArray(fc.stringMatching(/^v(-?[12]){0,6}$/), { minLength: 1, maxLength: 60, size: "max" });

/** Where packets go that are held against rules which lead each of some values to a chain of its own, `end_0`, `end_1`, ... */
function ends({ rules, chains }: Decided, count: number): (packet: Partial<Packet>) => string {
  const all = Array.from({ length: count }, (_, index) => chain(`end_${index}`, ["accept"])).join("");
  const loaded = load(chain("base", rules) + chains + all);
  return (packet) => trace(loaded, "base", { ...fromClient(0, "tcp", 443), ...packet }).chain;
}

describe("what is told apart, few or many,", () => {
  it("is each interface from all others, also from those whose names begin with its own", () => {
    fc.assert(
      fc.property(names, names, (links, others) => {
        const decided = decideLink(
          "link",
          "iifname",
          links.map((link, index) => [link, `goto end_${index}`]),
        );
        const end = ends(decided, links.length);
        links.forEach((link, index) => expect(end({ in: link })).toBe(`end_${index}`));
        for (const other of others.filter((name) => !links.includes(name))) expect(end({ in: other })).toBe("base");
      }),
    );
  });

  it("is each mark by our bits alone", () => {
    const anyMarks = fc.uniqueArray(fc.nat({ max: 0xff }), { minLength: 1, maxLength: 60, size: "max" });
    fc.assert(
      fc.property(anyMarks, fc.nat({ max: 0xffff }), (marks, others) => {
        const ranges = marks.map((mark, index) => ({
          ...{ first: mark << 8, last: mark << 8 },
          verdict: `goto end_${index}`,
        }));
        const end = ends(decideMark("mark", "ct mark", ranges), marks.length);
        const foreign = (others >> 8) * 0x10000 + (others & 0xff);
        for (let mark = 0; mark <= 0xff; mark++) {
          const index = marks.indexOf(mark);
          expect(end({ ctMark: (mark << 8) + foreign })).toBe(index < 0 ? "base" : `end_${index}`);
        }
      }),
    );
  });
});
