/** A provider's authority, CN=Provider CA: valid from 2020-01-01 until 2120-01-01. */
export const CA_PEM = `-----BEGIN CERTIFICATE-----
MIIBUDCCAQKgAwIBAgIUBIai5EN/n/m4CFsKDyKbcFPzW2UwBQYDK2VwMBYxFDAS
BgNVBAMMC1Byb3ZpZGVyIENBMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAw
MDAwWjAWMRQwEgYDVQQDDAtQcm92aWRlciBDQTAqMAUGAytlcAMhAEShpo1PvCxu
faBVSKL+QIKHKHd2/VfbMbjUG4uM8kIeo2AwXjAdBgNVHQ4EFgQU30s+uaHzarUX
AVgRNK+2zDfFY/AwHwYDVR0jBBgwFoAU30s+uaHzarUXAVgRNK+2zDfFY/AwDwYD
VR0TAQH/BAUwAwEB/zALBgNVHQ8EBAMCAQYwBQYDK2VwA0EA+Ir5Dk5PDccG21eE
cZYDGh6SHaUV7adq54WjJNbUJDQnD0rJjEjQJJFt6IwDoEpn1wvph/dqEWUmh2dH
kb0jCQ==
-----END CERTIFICATE-----`;

/** A customer's certificate of that authority, CN=customer 4711, O=Provider: valid from 2025-01-01 until 2100-07-01. */
export const CUSTOMER_PEM = `-----BEGIN CERTIFICATE-----
MIIBXDCCAQ6gAwIBAgIUZV1uWibzrbDQXEw8ZuifTKU6CP8wBQYDK2VwMBYxFDAS
BgNVBAMMC1Byb3ZpZGVyIENBMCAXDTI1MDEwMTAwMDAwMFoYDzIxMDAwNzAxMDAw
MDAwWjArMRYwFAYDVQQDDA1jdXN0b21lciA0NzExMREwDwYDVQQKDAhQcm92aWRl
cjAqMAUGAytlcAMhAIeMUesKpv5LttA5Prg2bmRgsGV1MduxaeaSfyBJsDV4o1cw
VTATBgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQU3hkr8htoycybEailL8zN
5SrjGdEwHwYDVR0jBBgwFoAU30s+uaHzarUXAVgRNK+2zDfFY/AwBQYDK2VwA0EA
5hRB9wvWvvuhnufrTE9Sd/PU2TLJFofnmOqFb00lSaEhFnP1INAktB1T6vckTQga
KGjHCqW/wYN1mEhsGW8OAA==
-----END CERTIFICATE-----`;

/** The private key of {@link CUSTOMER_PEM}. */
export const CUSTOMER_KEY = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIEVrpv/KGNxSTzM+BR1th1aDjKcbGBLWC0g/iomNgIIF
-----END PRIVATE KEY-----`;

/** How a profile knows its provider: three lines more than the certificate has. */
export const CA = `<ca>\n${CA_PEM}\n</ca>\n`;

/** How a provider knows its customer. */
export const CUSTOMER = `<cert>\n${CUSTOMER_PEM}\n</cert>\n<key>\n${CUSTOMER_KEY}\n</key>\n`;

/** A static key as `openvpn --genkey secret` writes it: 256 bytes. */
export const STATIC_KEY = `#
# 2048 bit OpenVPN static key
#
-----BEGIN OpenVPN Static key V1-----
${"6acef03f62675b4b1bbd03e53b187727\n".repeat(16)}-----END OpenVPN Static key V1-----`;

/** When all of them are valid. */
export const NOW = new Date("2026-03-01T12:00:00Z");
