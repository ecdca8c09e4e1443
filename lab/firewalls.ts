import { addresses, type HostName, type Provider, providers, type WireGuardProvider } from "./topology";
import { cloudflare, WHOAMI_PORT } from "./whoami";

/**
 * Countries. A name server that answers by where one asks from is one dnsmasq for each country on the DNS host, all at
 * the upstreams' addresses, and this redirection by the asker's address. Nothing is needed at the providers: what their
 * customers ask arrives from the provider's public address, whatever upstream they ask, and is written down with it.
 */
export const countries: readonly { readonly provider: Provider; readonly port: number }[] = Object.values(
  providers,
).map((provider, index) => ({ provider, port: 5301 + index }));

/** How a question's name begins that has "whoami" as its first label: behind the headers of UDP and DNS, 20 bytes. */
const WHOAMI = `0x06${Buffer.from("whoami").toString("hex")}`;

/** Loaded into the empty namespaces of the hosts that have any, each as one transaction. */
export const firewalls: Partial<Record<HostName, string>> = {
  cloud: `
    table ip vpc {
      chain source_check {
        type filter hook prerouting priority raw
        iifname "to-gateway" ip saddr != ${addresses.gateway} counter drop comment "EC2's source/destination check"
      }
      chain inward {
        type nat hook prerouting priority dstnat
        iifname "eth0" ip daddr ${addresses.elastic} dnat to ${addresses.gateway}
      }
      chain outward {
        type nat hook postrouting priority srcnat
        oifname "eth0" ip saddr ${addresses.gateway} snat to ${addresses.elastic}
      }
      chain forward {
        type filter hook forward priority filter
        oifname "eth0" ip saddr != ${addresses.gateway} counter drop comment "only an Elastic IP reaches the internet"
      }
    }`,
  dns: `
    table ip countries {
      chain by_asker {
        type nat hook prerouting priority dstnat
        ip daddr { ${cloudflare.join(", ")} } udp dport 53 @th,160,56 ${WHOAMI} redirect to :${WHOAMI_PORT}
        meta l4proto { tcp, udp } th dport 53 redirect to :ip saddr map {
          ${countries.map(({ provider, port }) => `${provider.address} : ${port}`).join(", ")}
        }
      }
    }`,
  ...Object.fromEntries(Object.values(providers).map((provider) => [provider.host, translation(provider)])),
};

/** Customers reach the internet from the provider's address, and its name server at the tunnel's first. */
function translation(provider: Provider | WireGuardProvider): string {
  const { tunnel, address } = provider;
  const v4 = `
    table ip provider {
      chain inward {
        type nat hook prerouting priority dstnat
        iifname != "eth0" ip daddr ${firstOf(tunnel)} meta l4proto { tcp, udp } th dport 53 dnat to ${addresses.upstreams[0]}
      }
      chain outward {
        type nat hook postrouting priority srcnat
        oifname "eth0" ip saddr ${tunnel}/24 snat to ${address}
      }
    }`;
  if (!("tunnel6" in provider)) return v4;
  return `${v4}
    table ip6 provider {
      chain outward {
        type nat hook postrouting priority srcnat
        oifname "eth0" ip6 saddr ${provider.tunnel6}/64 snat to ${provider.address6}
      }
    }`;
}

/** The server's own address in a tunnel's /24. */
export function firstOf(tunnel: string): string {
  return tunnel.replace(/\d+$/, "1");
}
