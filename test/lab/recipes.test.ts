import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WireGuardClient } from "../../lab/client";
import { onMachine } from "../../lab/flows";
import { freshName } from "../../lab/flows/addresses";
import { Lab } from "../../lab/lab";
import { WebServer } from "../../lab/services";
import { addresses, links, providers } from "../../lab/topology";
import { type Block, blocksOf, document, type StackSettings } from "../recipes/blocks";
import { connectTcp, fetched, geo, type Recipe, RecipeLab, seen, sendUdp, sources, WEB } from "./recipeLab";

const recipes = document("docs/recipes.md");
const blocks = blocksOf(recipes);

let scene: RecipeLab;

/** What the clocks of Berlin show: the ISO weekday, and HH:MM. */
function berlin(): { day: number; clock: string } {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: "Europe/Berlin",
    weekday: "short",
    hour: "2-digit",
    minute: "2-digit",
  }).formatToParts(new Date());
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? "";
  return {
    day: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(part("weekday")) + 1,
    clock: `${part("hour")}:${part("minute")}`,
  };
}

interface Hours {
  readonly from: string;
  readonly to: string;
}
/** The recipe with other hours in its first rule. */
function withHours({ rules, ...rest }: StackSettings, change: (during: Hours) => object): StackSettings {
  const [first, ...others] = rules as { during: Hours }[];
  return { ...rest, rules: [{ ...first, during: change(first!.during) }, ...others] };
}

/** What is looked at of each block: by its section, in order. */
const looks: Readonly<Record<string, readonly ((recipe: Recipe) => Promise<void>)[]>> = {
  "Private browsing": [
    async (recipe) => {
      const phone = await recipe.connect("phone");
      expect(await seen(phone, addresses.provider)).toBe(addresses.provider);
      const name = freshName();
      await phone.dig(name);
      const askers = scene.lab.dns.queries().filter((query) => query.name === name);
      expect([...new Set(askers.map(({ from }) => from))]).toEqual([addresses.provider]);
    },
  ],
  "Content of one country": [
    async (recipe) => {
      const tv = await recipe.connect("tv");
      expect(await seen(tv, addresses.express)).toBe(addresses.express);
      expect(await geo(tv)).toBe(providers.express.geo);
    },
  ],
  "Low latency": [
    async (recipe) => {
      const console_ = await recipe.connect("console");
      const detour = await scene.lab.machine.network().capture("veth-wg", `host ${addresses.web}`);
      expect(await seen(console_, addresses.elastic)).toBe(addresses.elastic);
      expect(await detour.stop()).toEqual([]);
    },
  ],
  "Internal services": [
    async (recipe) => {
      const [vault, laptop, guest] = (await recipe.connectAll("vault", "laptop", "guest")) as [
        WireGuardClient,
        WireGuardClient,
        WireGuardClient,
      ];
      await WebServer.start(vault.host, "10.4.0.7");
      const before = scene.lab.dns.queries().length;
      expect(await fetched(laptop, "http://vault.raff.local/")).toBe("10.4.0.50");
      expect(await fetched(guest, "http://vault.raff.local/")).toBe("10.4.0.60");
      expect(await fetched(laptop, "http://wiki.raff.local/")).toBe(addresses.gateway);
      const outside = scene.lab.dns.queries().slice(before);
      expect(outside.filter(({ name }) => name.endsWith("raff.local"))).toEqual([]);
      const own = links.find(({ host }) => host === guest.host.name)?.addresses[0]?.split("/")[0];
      expect(own).toMatch(/^198\.18\./);
      expect(await fetched(guest)).toBe(own);
      expect(await fetched(laptop)).toBe(addresses.elastic);
    },
  ],
  "Several profiles on one device": [
    async (recipe) => {
      expect(await seen(await recipe.connect("laptop-vpn", "home-direct"), addresses.provider)).toBe(
        addresses.provider,
      );
      const other = await scene.lab.clients.direct.host.must(["cat", "/run/wg0.conf"]);
      const laptop = await recipe.connect("laptop", "home-direct");
      expect(await seen(laptop, addresses.elastic)).toBe(addresses.elastic);
      // The commands of the section; the lab's kernel may have no WireGuard, and its devices have no /etc to write to.
      const [, shown = ""] = /```sh\n(ip netns add[^]*?)```/.exec(recipes) ?? [];
      const commands = shown
        .replace(
          "ip link add wg-vpn type wireguard",
          "$& 2>/dev/null || { wireguard-go wg-vpn 2>/dev/null; until wg show wg-vpn; do :; done >/dev/null 2>&1; }",
        )
        .replace(/^(mkdir|echo) .*\n/gm, "")
        .replace("sudo -u me curl https://checkip.amazonaws.com", `curl -sS --max-time 5 ${WEB}`)
        .replace("wg show laptop", "wg show wg0")
        .replaceAll("ip netns exec vpn", "nsenter --net=/run/netns/vpn")
        .replaceAll("ip -n vpn", "nsenter --net=/run/netns/vpn ip");
      const script = `cd /tmp; umask 077; cat >laptop-vpn.conf; set -e\n${commands}\ncurl -sS ${WEB}\nip netns del vpn`;
      const both = await laptop.host.must(["bash", "-c", script], { input: other });
      expect(both.trim().split("\n")).toEqual([addresses.provider, addresses.elastic]);
    },
  ],
  "Split ratios": [
    async (recipe) => {
      const [below, above] = await recipe.connectAll("below", "above");
      expect(await seen(above!, addresses.provider)).toBe(addresses.provider);
      expect(await seen(below!, addresses.elastic)).toBe(addresses.elastic);
    },
    async (recipe) => {
      const [below, above] = await recipe.connectAll("below", "above");
      expect(await seen(above!, addresses.provider)).toBe(addresses.provider);
      expect(await seen(below!, addresses.elastic)).toBe(addresses.elastic);
    },
    async (recipe) => {
      const names = ["in-range", "single", "excepted", "other"];
      const { provider, elastic } = addresses;
      const expected = [provider, provider, elastic, elastic];
      const devices = await recipe.connectAll(...names);
      expect(await Promise.all(devices.map((device, index) => seen(device, expected[index]!)))).toEqual(expected);
    },
  ],
  "Several providers": [
    async (recipe) => {
      const [phone, tablet] = await recipe.connectAll("phone", "tablet");
      expect(await seen(phone!, addresses.provider)).toBe(addresses.provider);
      expect(await seen(tablet!, addresses.express)).toBe(addresses.express);
      const namespaces = await onMachine(scene, "ip netns list | awk '{ print $1 }' | sort | tr '\\n' ' '");
      expect(namespaces.trim()).toBe("vpn_ns vpn_ns_nl");
      expect(await onMachine(scene, "ip route show table 201")).toContain("default via 10.200.2.2");
    },
  ],
  "By protocol and port": [
    async (recipe) => {
      const laptop = await recipe.connect("laptop");
      expect(await seen(laptop, addresses.provider)).toBe(addresses.provider);
      expect(await geo(laptop)).toBe(providers.provider.geo);
      const others = "udp port 4000 or tcp port 8080 or icmp[icmptype] == icmp-echo";
      const send = async () => {
        await sendUdp(laptop, 4000);
        await connectTcp(laptop, 8080);
        await laptop.ping(addresses.web, 1);
      };
      expect(await sources(scene.lab.hosts.web, others, send)).toEqual([addresses.elastic]);
      expect(await sources(scene.lab.hosts.web, "udp port 443", () => sendUdp(laptop, 443))).toEqual([
        addresses.provider,
      ]);
    },
    async (recipe) => {
      const console_ = await recipe.connect("console");
      expect(await seen(console_, addresses.provider)).toBe(addresses.provider);
      expect(await geo(console_)).toBe(providers.provider.geo);
      const game = "udp port 3074 or udp port 27050";
      expect(await sources(scene.lab.hosts.web, game, () => sendUdp(console_, 3074, 27_050))).toEqual([
        addresses.elastic,
      ]);
      expect(await sources(scene.lab.hosts.web, "udp port 27101", () => sendUdp(console_, 27_101))).toEqual([
        addresses.provider,
      ]);
    },
  ],
  "By time": [
    async (recipe) => {
      const expected = () => {
        const { day, clock } = berlin();
        return day <= 5 && "09:00" <= clock && clock < "17:00" ? addresses.provider : addresses.elastic;
      };
      expect(await seen(await recipe.connect("phone"), expected)).toBe(expected());
    },
    async (recipe) => {
      const isNight = () => berlin().clock >= "22:00" || berlin().clock < "06:00";
      const blockedIf = (blocked: boolean) => (blocked ? "no answer" : addresses.elastic);
      expect(await seen(await recipe.connect("console"), () => blockedIf(isNight()))).toBe(blockedIf(isNight()));
      // The same the other way round, so that both are seen at any hour.
      const byDay = await scene.deploy(
        withHours(recipe.settings, ({ from, to, ...rest }) => ({ ...rest, from: to, to: from })),
      );
      expect(await seen(await byDay.connect("console"), () => blockedIf(!isNight()))).toBe(blockedIf(!isNight()));
    },
  ],
  Block: [
    async (recipe) => {
      const [camera, laptop] = (await recipe.connectAll("camera", "laptop")) as [WireGuardClient, WireGuardClient];
      expect(await fetched(camera, `http://${addresses.vpcHost}/`)).toBe(addresses.gateway);
      expect(await camera.ping("10.4.0.50")).toBe(true);
      expect(await camera.dig("vault.raff.local")).toEqual(["10.4.0.7"]);
      expect(await camera.host.must(["dig", "+tries=1", "+time=2", "shop.geo.example"])).toContain("status: REFUSED");
      // curl's 7: refused, not timed out (28).
      const tcp = await camera.host.run(["curl", "--silent", "--max-time", "4", WEB]);
      expect(tcp.exitCode).toBe(7);
      // One a second is what the kernel tells an address (icmp_ratelimit), and it has told this one of other clients before.
      const ping = await camera.host.run(["ping", "-n", "-c", "3", "-i", "1.1", "-W", "1", addresses.web]);
      expect(ping.stdout.match(/Packet filtered/g)?.length).toBeGreaterThanOrEqual(2);
      expect(await seen(laptop, addresses.elastic)).toBe(addresses.elastic);
      expect(await sources(scene.lab.hosts.web, "tcp port 25", () => connectTcp(laptop, 25))).toEqual([]);
      expect(await sources(scene.lab.hosts.web, "tcp port 26", () => connectTcp(laptop, 26))).toEqual([
        addresses.elastic,
      ]);
    },
  ],
  Failover: [
    async (recipe) => {
      const phone = await recipe.connect("phone");
      expect(await seen(phone, addresses.provider)).toBe(addresses.provider);
      await scene.lab.providers.provider.stopForwarding(true);
      const began = Date.now();
      expect(await seen(phone, addresses.express)).toBe(addresses.express);
      expect(Date.now() - began).toBeLessThan(15_000);
      expect(await onMachine(scene, "gatewayctl status")).toMatch(/^group-any +nl$/m);
      await scene.lab.providers.provider.recover();
    },
  ],
  "A WireGuard provider": [
    async (recipe) => {
      const phone = await recipe.connect("phone");
      expect(await seen(phone, addresses.wgprov)).toBe(addresses.wgprov);
    },
  ],
};

/** Exits that stay from one recipe to the next need not come up anew. */
const cost = ({ settings }: Block): string =>
  ((settings["exits"] ?? [{ name: "-" }]) as { name: string }[]).map(({ name }) => name).join(" ");
const cheapest = [...blocks].sort((a, b) => Number(cost(a) > cost(b)) - Number(cost(a) < cost(b)));

describe("the recipes, deployed", () => {
  beforeAll(async () => {
    scene = await RecipeLab.open();
  });
  afterAll(() => Lab.clear());

  const titled = cheapest.map((block) => [block.title, block] as const);
  test.each(titled)("%s", async (_, { section, index, settings }) => {
    const look = looks[section]?.[index];
    expect(look, "nobody looks at this block").toBeDefined();
    await look?.(await scene.deploy(settings));
  });

  test("each look is at a block that is there", () => {
    const counted = (section: string) => blocks.filter((block) => block.section === section).length;
    for (const [section, all] of Object.entries(looks))
      expect(`${section} ${all.length}`).toBe(`${section} ${counted(section)}`);
  });
});
