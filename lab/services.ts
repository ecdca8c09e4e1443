import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Host } from "./host";
import { until } from "./process";
import { stateFolder, statePath } from "./state";
import { addresses, appName } from "./topology";

/** A request that a web server answered. */
export interface Visit {
  /** The address it came from. */
  readonly from: string;
  /** The server's address that was asked. */
  readonly to: string;
  /** As "GET /bulk HTTP/1.1". */
  readonly request: string;
  readonly status: number;
}

/** A web server: `GET /` answers the address it sees, `GET /bulk` 50 MB. */
export class WebServer {
  constructor(readonly host: Host) {}

  /** Starts nginx on port 80; resolves when it answers. @param listen the address it is asked on to know that */
  static async start(host: Host, listen: string): Promise<WebServer> {
    const files = stateFolder("www");
    writeFileSync(join(files, "bulk"), "");
    truncateSync(join(files, "bulk"), 50_000_000);
    const configuration = statePath("etc", `${host.name}-nginx.conf`);
    const server = `
    ${listen === addresses.metadata ? `listen ${listen}:80;` : "listen 80; listen [::]:80;"}
    location = / { return 200 "$remote_addr\\n"; }
    location = /bulk { root ${files}; }`;
    writeFileSync(configuration, nginx(accessLog(host), "visit", server));
    host.spawn(["nginx", "-c", configuration, "-e", "stderr"]);
    await until(`${host.name}: nginx answers`, 5000, async () => {
      const answer = await host.run(["curl", "--silent", "--max-time", "1", `http://${listen}/`]);
      return answer.stdout.trim() === listen;
    });
    return new WebServer(host);
  }

  /** Everything that was asked, oldest first. */
  visits(): Visit[] {
    return read(accessLog(this.host)).map((line) => {
      const [from, to, status, ...request] = line.split(" ");
      return { from: from!, to: to!, request: request.join(" "), status: Number(status) };
    });
  }
}

function accessLog(host: Host): string {
  return statePath("log", `${host.name}-access.log`);
}

/** @param format of the access log: "visit" is ours, "combined" nginx's own, that of the documents */
function nginx(log: string, format: "visit" | "combined", server: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
user root;
daemon off;
worker_processes 1;
pid /run/nginx.pid;
events {}
http {
  default_type text/plain;
  sendfile on;
  ${temporary.map((name) => `${name}_temp_path /tmp/${name};`).join(" ")}
  log_format visit '$remote_addr $server_addr $status $request';
  access_log ${log} ${format};
  server {${server}
  }
}
`;
}

/** The service of app.example.com: nginx with TLS, by a certificate of an authority of the lab's own. `GET /bulk` answers 50 MB. */
export class App {
  /** Path of the authority's certificate, in and out of every host. */
  readonly authority: string;

  private constructor(readonly host: Host) {
    this.authority = statePath("app", "authority.crt");
  }

  /** Makes the authority and the certificate. */
  static async make(host: Host): Promise<App> {
    const app = new App(host);
    const folder = stateFolder("app");
    writeFileSync(join(folder, "bulk"), "");
    truncateSync(join(folder, "bulk"), 50_000_000);
    const make = "openssl req -x509 -days 30 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256";
    await host.must([
      ...["sh", "-euc"],
      `cd ${folder}
       ${make} -keyout authority.key -out authority.crt -subj "/CN=Lab Authority"
       ${make} -CA authority.crt -CAkey authority.key -keyout app.key -out app.crt -subj /CN=${appName} \
         -addext subjectAltName=DNS:${appName} -addext basicConstraints=critical,CA:FALSE`,
    ]);
    return app;
  }

  /** Starts nginx on port 443 of every address; resolves when it answers. Again after a reboot of its machine. */
  async start(): Promise<void> {
    const folder = stateFolder("app");
    const configuration = statePath("etc", "app-nginx.conf");
    const server = `
    listen 443 ssl;
    server_name ${appName};
    ssl_certificate ${folder}/app.crt;
    ssl_certificate_key ${folder}/app.key;
    location = / { return 200 "<!DOCTYPE html><title>${appName}</title>\\n"; }
    location = /bulk { root ${folder}; }`;
    writeFileSync(configuration, nginx(this.log, "combined", server));
    this.host.spawn(["nginx", "-c", configuration, "-e", "stderr"]);
    await until(`${this.host.name}: nginx answers`, 5000, async () => {
      const there = ["--resolve", `${appName}:443:127.0.0.1`, "--cacert", this.authority];
      const ask = ["curl", "--silent", "--max-time", "1", "--user-agent", "lab", ...there, `https://${appName}/`];
      return (await this.host.run(ask)).exitCode === 0;
    });
  }

  /** The lines of its access log, oldest first. */
  lines(): string[] {
    return read(this.log);
  }

  private get log(): string {
    return statePath("log", "app-access.log");
  }
}

/** A question that a name server was asked. */
export interface Query {
  readonly name: string;
  /** As "A", "AAAA", "HTTPS". */
  readonly type: string;
  /** The address it came from. */
  readonly from: string;
}

/** A name server that answers every name with the web server's address and writes down who asked. */
export class NameServer {
  constructor(readonly host: Host) {}

  /**
   * Starts dnsmasq; resolves when it answers.
   * @param listen its addresses
   * @param records further dnsmasq options, as `--address=/name/1.2.3.4`
   * @param port several on one host, at different ports, write into the same list of queries
   */
  static async start(
    host: Host,
    listen: readonly string[],
    records: readonly string[] = [],
    port = 53,
  ): Promise<NameServer> {
    writeFileSync(nameFile(host), "");
    host.spawn([
      ...["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root"],
      ...[`--port=${port}`, `--pid-file=/run/dnsmasq-${port}.pid`],
      ...["--no-resolv", "--no-hosts", "--cache-size=0", "--local-ttl=5", "--dns-forward-max=2000"],
      ...[
        `--address=/#/${addresses.web}`,
        "--log-queries=extra",
        `--log-facility=${queryLog(host)}`,
        "--bind-interfaces",
      ],
      ...listen.map((address) => `--listen-address=${address}`),
      `--addn-hosts=${nameFile(host)}`,
      ...records,
    ]);
    await until(`${host.name}: dnsmasq answers`, 5000, async () => {
      const ask = ["dig", "+short", "+tries=1", "+time=1", "-p", String(port), `@${listen[0]}`, "ready.lab.invalid"];
      return (await host.run(ask)).stdout.trim() === addresses.web;
    });
    return new NameServer(host);
  }

  /** From now on this name, and no other one before it, has an address of its own, wherever it is asked for. */
  async lead(name: string, address: string): Promise<void> {
    writeFileSync(nameFile(this.host), `${address} ${name}\n`);
    const type = address.includes(":") ? "AAAA" : "A";
    for (const file of readdirSync(this.host.runDir)) {
      const port = /^dnsmasq-(\d+)\.pid$/.exec(file)?.[1];
      if (port === undefined) continue;
      await this.host.must(["pkill", "-HUP", "-F", `/run/${file}`]);
      const server = await this.host.must(["sh", "-c", `ss -Hlun sport = :${port} | awk '{ print $4; exit }'`]);
      const ask = ["dig", "+short", "+tries=1", "+time=1", "-p", port, `@${server.trim().replace(/:\d+$/, "")}`];
      await until(`${name} is ${address}`, 5000, async () => {
        const { stdout } = await this.host.run([...ask, type, name]);
        return stdout.trim() === address;
      });
    }
  }

  /** Everything that was asked, oldest first; a question sent to several of its addresses stands there as often. */
  queries(): Query[] {
    return read(queryLog(this.host)).flatMap((line) => {
      const match = / query\[([^\]]+)\] (\S+) from (\S+)$/.exec(line);
      return match ? [{ type: match[1]!, name: match[2]!, from: match[3]! }] : [];
    });
  }
}

function nameFile(host: Host): string {
  return statePath("etc", `${host.name}-names`);
}

function queryLog(host: Host): string {
  return statePath("log", `${host.name}-queries.log`);
}

function read(path: string): string[] {
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
}
