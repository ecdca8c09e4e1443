/** A provider's authority, CN=Provider CA: valid from 2020-01-01 until 2120-01-01. */
export const CA_PEM = `-----BEGIN CERTIFICATE-----
MIIBLjCB4aADAgECAhR0y80jONap8YPsUZ4REEYngMKlrzAFBgMrZXAwFjEUMBIG
A1UEAwwLUHJvdmlkZXIgQ0EwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAw
MDBaMBYxFDASBgNVBAMMC1Byb3ZpZGVyIENBMCowBQYDK2VwAyEA2ljILXxcFE19
zXkP5hmdbThOvAtwOkYC8CJYMKlxpgijPzA9MA8GA1UdEwEB/wQFMAMBAf8wCwYD
VR0PBAQDAgEGMB0GA1UdDgQWBBTwuZ7i9pj9sC6Rr+M1URbne/qCSjAFBgMrZXAD
QQCJsxZ1OyOIl19y52Lhjx+WOmfvvLKiHShgMPtyCo6MbgfNpq/rUSnqblpQx8C9
PCvYJeMNRoMhW2prm7K1Bs8P
-----END CERTIFICATE-----`;

/** A customer's certificate of that authority, CN=customer 4711, O=Provider: valid from 2025-01-01 until 2100-07-01. */
export const CUSTOMER_PEM = `-----BEGIN CERTIFICATE-----
MIIBXDCCAQ6gAwIBAgIUGXgfzkK12ZcZGnCi+wj+c04YMJkwBQYDK2VwMBYxFDAS
BgNVBAMMC1Byb3ZpZGVyIENBMCAXDTI1MDEwMTAwMDAwMFoYDzIxMDAwNzAxMDAw
MDAwWjArMRYwFAYDVQQDDA1jdXN0b21lciA0NzExMREwDwYDVQQKDAhQcm92aWRl
cjAqMAUGAytlcAMhAF2w1DiJCr50H0qs5uLwl4UNMxC1umXNrcifOD7zeVWMo1cw
VTATBgNVHSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQUuaR+LmTxYIHWqMTLImA0
7B7nDFIwHwYDVR0jBBgwFoAU8Lme4vaY/bAuka/jNVEW53v6gkowBQYDK2VwA0EA
0vx5hVX55TydMwcRPyDNWUwK/DEIW7baQgF/uv3BYX3exwOLmgCP51MHYXRKdh8l
L36sb9OZIa/o33LFoBCZDA==
-----END CERTIFICATE-----`;

/** How a profile knows its provider: three lines more than the certificate has. */
export const CA = `<ca>\n${CA_PEM}\n</ca>\n`;

/** When both are valid. */
export const NOW = new Date("2026-03-01T12:00:00Z");
