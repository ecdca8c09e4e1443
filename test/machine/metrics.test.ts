import { describe, expect, it, test } from "vitest";
import { readExposition } from "./exposition";
import { python } from "./python";

const shown = {
  release: "0123456789ab",
  open: true,
  selected: { "group-any": "nl", "window-1": "open" },
  exits: [
    { name: "vpn", well: false, running: true, receivedBytes: null, sentBytes: null },
    { name: "nl", well: true, running: true, receivedBytes: 5_000_000_000, sentBytes: 7 },
  ],
  resolvers: [{ name: "host", running: true }],
  clients: [
    { name: "phone", address: "10.4.0.200", received: 3464, sent: 1816, lastHandshakeTime: 1_700_000_000 },
    { name: 'a"b\\c\nd', address: "10.4.0.201", received: 0, sent: 0, lastHandshakeTime: 0 },
  ],
};
const exposition = (data: unknown, checked: [number, number] | null = [2, 1_700_000_001]): string =>
  python("import metrics\nresult = metrics.exposition(*data)", [data, { any: ["vpn", "nl"] }, checked]);

describe("the exposition", () => {
  const samples = readExposition(exposition(shown));
  const values = (name: string) =>
    samples.filter((one) => one.name === name).map(({ labels, value }) => [...Object.values(labels), value]);

  it.each<[string, unknown[][]]>([
    ["wg_gateway_info", [["0123456789ab", 1]]],
    ["wg_gateway_open", [[1]]],
    [
      "wg_gateway_exit_up",
      [
        ["vpn", 0],
        ["nl", 1],
      ],
    ],
    ["wg_gateway_exit_receive_bytes_total", [["nl", 5_000_000_000]]],
    [
      "wg_gateway_group_member",
      [
        ["any", "vpn", 0],
        ["any", "nl", 1],
        ["any", "none", 0],
      ],
    ],
    ["wg_gateway_window_open", [["window-1", 1]]],
    [
      "wg_gateway_client_transmit_bytes_total",
      [
        ["phone", "10.4.0.200", 1816],
        ['a"b\\c\nd', "10.4.0.201", 0],
      ],
    ],
    [
      "wg_gateway_client_last_handshake_timestamp_seconds",
      [
        ["phone", "10.4.0.200", 1_700_000_000],
        ['a"b\\c\nd', "10.4.0.201", 0],
      ],
    ],
    ["wg_gateway_drift", [[2]]],
    ["wg_gateway_check_timestamp_seconds", [[1_700_000_001]]],
  ])("%s", (name, expected) => {
    expect(values(name)).toEqual(expected);
  });

  it("is sound with nothing in it, and leaves out what is not known", () => {
    const bare = exposition({ ...shown, selected: {}, exits: [], resolvers: [], clients: [] }, null);
    expect(new Set(readExposition(bare).map(({ name }) => name))).toEqual(
      new Set(["wg_gateway_info", "wg_gateway_open", "wg_gateway_group_member"]),
    );
  });
});

test.each([
  ["no end", "# HELP a b\n# TYPE a gauge\na 1"],
  ["no type", "# HELP a b\na 1\n"],
  ["a counter without _total", "# HELP a b\n# TYPE a counter\na 1\n"],
  ["a gauge with it", "# HELP a_total b\n# TYPE a_total gauge\na_total 1\n"],
  ["a sample elsewhere", "# HELP a b\n# TYPE a gauge\nb 1\n"],
  ["no number", "# HELP a b\n# TYPE a gauge\na None\n"],
  ["a quote in a label", '# HELP a b\n# TYPE a gauge\na{b="c"d"} 1\n'],
  ["twice", '# HELP a b\n# TYPE a gauge\na{b="c"} 1\na{b="c"} 2\n'],
  ["two helps", "# HELP a b\n# HELP a b\n# TYPE a gauge\na 1\n"],
])("the reader of the tests refuses %s", (_, text) => {
  expect(() => readExposition(text)).toThrow();
});

test("the exporter serves what is fresh at /metrics, and nothing else, at an address that is not there yet, too", () => {
  const result = python<[number, string][]>(
    `
import exporter, os, tempfile, threading, time, urllib.error, urllib.request
folder = tempfile.TemporaryDirectory()
exporter.FILE = folder.name + "/metrics"
server = exporter.Server(("127.0.0.1", 0), exporter.Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
def get(path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}{path}") as got:
            return [got.status, got.headers["Content-Type"] + " " + got.read().decode()]
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]
result = [get("/metrics")]
with open(exporter.FILE, "w") as file:
    file.write("a 1\\n")
result += [get("/metrics"), get("/"), get("/metrics/../../etc/passwd")]
os.utime(exporter.FILE, (time.time() - 61,) * 2)
result.append(get("/metrics"))
exporter.Server(("192.0.2.1", 0), exporter.Handler).server_close()
folder.cleanup()`,
    null,
  );
  expect(result.map(([status]) => status)).toEqual([503, 200, 404, 404, 503]);
  expect(result[1]![1]).toBe("text/plain; version=0.0.4; charset=utf-8 a 1\n");
});
