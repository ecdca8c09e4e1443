import type { Host } from "./host";
import { until } from "./process";
import { addresses } from "./topology";

/** Where on the DNS host the responder listens; a redirection leads the question there, see firewalls.ts. */
export const WHOAMI_PORT = 5300;

/** The two upstreams that are Cloudflare's; the others refuse the question. */
export const cloudflare = addresses.upstreams.slice(0, 2);

/** Answers every question with one record of type TXT and class CHAOS: the address that it came from. dnsmasq has nothing like it. */
const RESPONDER = String.raw`
import socket, struct, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[1], int(sys.argv[2])))
while True:
    query, asker = server.recvfrom(512)
    text = asker[0].encode()
    question = query[12 : query.index(b"\0", 12) + 5]
    answer = b"\xc0\x0c" + struct.pack("!HHIHB", 16, 3, 0, len(text) + 1, len(text)) + text
    server.sendto(query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question + answer, asker)
`;

/** Starts what answers `whoami.cloudflare` as Cloudflare's resolvers do; resolves when it does. */
export async function startWhoami(host: Host): Promise<void> {
  // The address that a redirection leads to: the first of the device.
  const [listen] = cloudflare;
  host.spawn(["python3", "-c", RESPONDER, listen!, String(WHOAMI_PORT)], "whoami");
  const ask = ["dig", "+short", "+tries=1", "+time=1", "-p", String(WHOAMI_PORT), `@${listen}`];
  await until(`${host.name}: whoami answers`, 5000, async () => {
    const answer = await host.run([...ask, "CH", "TXT", "whoami.cloudflare"]);
    return answer.stdout.trim() === `"${listen}"`;
  });
}
