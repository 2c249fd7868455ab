import { X509Certificate } from 'node:crypto'

/**
 * A certificate with some bytes changed.
 * @returns PEM
 */
export function tamperCertificate(pem: string, mutate: (raw: Buffer) => unknown): string {
  const { raw } = new X509Certificate(pem)
  mutate(raw)
  return `-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----\n`
}

/**
 * A certificate that expires in month 99.
 * @returns PEM
 */
export function setInvalidExpiry(pem: string): string {
  const end = new X509Certificate(pem).validToDate
    .toISOString()
    .replace(/[-:T]|\.000/g, '')
    .slice(2)
  return tamperCertificate(pem, (raw) => raw.write('99', raw.indexOf(end) + 2))
}

/** Certificates that the test CA cannot issue: self-signed by openssl, for milvus.example.com. */
export const weakFixtures = {
  /** openssl req -x509 -newkey ed25519 */
  ed25519: {
    certificate: `-----BEGIN CERTIFICATE-----
MIIBbjCCASCgAwIBAgIUKJ1JA/qHYDuUUAsvdX/QotagZ00wBQYDK2VwMB0xGzAZ
BgNVBAMMEm1pbHZ1cy5leGFtcGxlLmNvbTAeFw0yNjExMjQwNzExNDVaFw0zNjEx
MjEwNzExNDVaMB0xGzAZBgNVBAMMEm1pbHZ1cy5leGFtcGxlLmNvbTAqMAUGAytl
cAMhAOX6pgkfy6luh/h6/MjjKa06mzLn+ljo/mG32hF7KzZQo3IwcDAdBgNVHQ4E
FgQUrxHHDsCdkKXTYCwe75pcW5MdA7EwHwYDVR0jBBgwFoAUrxHHDsCdkKXTYCwe
75pcW5MdA7EwDwYDVR0TAQH/BAUwAwEB/zAdBgNVHREEFjAUghJtaWx2dXMuZXhh
bXBsZS5jb20wBQYDK2VwA0EAgT/R6u0+l8VxUyAwW6WNIPhPkJaPge4tGmAZg4dl
zmfaAC7Fy9VCNsR0OB9v1P7TO9AkGMhZTtUbWmBmpGY1CQ==
-----END CERTIFICATE-----
`,
    privateKey: `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEID1O6d5by47FiEKbneN1Gh1UrDhxN16/kY8Th1LcoPIh
-----END PRIVATE KEY-----
`,
  },
  /** openssl req -x509 -newkey rsa:2048 -sha1 */
  sha1: {
    certificate: `-----BEGIN CERTIFICATE-----
MIIDOjCCAiKgAwIBAgIUBhlAN0DPLlcSKTUvaEvhjpoHuIAwDQYJKoZIhvcNAQEF
BQAwHTEbMBkGA1UEAwwSbWlsdnVzLmV4YW1wbGUuY29tMB4XDTI2MTEyNDA3MTE0
NVoXDTM2MTEyMTA3MTE0NVowHTEbMBkGA1UEAwwSbWlsdnVzLmV4YW1wbGUuY29t
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAxuHWSd2z2TPUWqeImz7W
9mh4fQshOEAH75eBPnk3i5uE7PVtZzWyHdo2N4sVpo6Fr/LsQ9tLwlULJ1olI/Ge
FpBylkV9QTnTnw7oOgThIiuqq3wrdGoj7O3UYC64XiCrYGape27kMnXBriD5cr2o
MKmX2WfnwecJkFvmw3wijGgGvZMoBL+BALpiGohunTjjVJ8gapW3yhjVN8J3vt8S
cnuVhVRP0a9hdBY8xszqD+O7JEs3yz5LXC1Tth94+xUD/CihituqWOGs3yR5ETdo
TTSuyLSMnU5oLM+aN4GpAykbm5AX4qIQ2hVAegv6tRu1H2pjBC2JwYtiLaF2QADq
swIDAQABo3IwcDAdBgNVHQ4EFgQUNDUuFs6lXK4MuJyiMycPO+/Gj30wHwYDVR0j
BBgwFoAUNDUuFs6lXK4MuJyiMycPO+/Gj30wDwYDVR0TAQH/BAUwAwEB/zAdBgNV
HREEFjAUghJtaWx2dXMuZXhhbXBsZS5jb20wDQYJKoZIhvcNAQEFBQADggEBALYO
we2CEZHIm2VqduaV5XBylpPCi2nYV5lVHaVHREREWFp3Ee/LWsccmLAoarDvs2xX
Y5RyBwPTu3rBOVmozMXoFR9Wz8YsORBuuK5WpnVjAuGMXxjLItb0mYcceEf1XRbT
t5EXK6digwSUYOUVUTY4hkQen30wt518G580jtq1PUjXaAW4TuapTFrbLlQfe0q5
DxDL5pYcsN7vK76+U3ssMYWV1U0C27njByuAh1QU1ziIPiw7f78og817RMV3+A1P
UncP+uhLbEYDqX0GHqF8IUdCSz4WDJ7LpzRAVQnbhqBdI9GAwd7glixTxIFpH6F8
K02IBPAMh4xsX6mcrJk=
-----END CERTIFICATE-----
`,
    privateKey: `-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDG4dZJ3bPZM9Ra
p4ibPtb2aHh9CyE4QAfvl4E+eTeLm4Ts9W1nNbId2jY3ixWmjoWv8uxD20vCVQsn
WiUj8Z4WkHKWRX1BOdOfDug6BOEiK6qrfCt0aiPs7dRgLrheIKtgZql7buQydcGu
IPlyvagwqZfZZ+fB5wmQW+bDfCKMaAa9kygEv4EAumIaiG6dOONUnyBqlbfKGNU3
wne+3xJye5WFVE/Rr2F0FjzGzOoP47skSzfLPktcLVO2H3j7FQP8KKGK26pY4azf
JHkRN2hNNK7ItIydTmgsz5o3gakDKRubkBfiohDaFUB6C/q1G7UfamMELYnBi2It
oXZAAOqzAgMBAAECggEACvugwlktxpJlU+ZJlc0ta355x5SsQ8zMGLqZ/BG59Anl
bX02NUtn/TG2PxtSru0oS9RTS4IE7S6WHEO5pleq/nMBU57IcSguMWv4029pNrez
nUm7pUT78T3HCygOrWq0xsY/Q3OXGC7xla9OJzx7A8jx0PiQegr2DRSjf0B6hfIF
yWF1E3hrbUyJCADxg1gJLyLovCOyY+ormzx9wBeAZ/gGXcl+G3FsCGA6L89pUXZ5
yiMD5CHJA3PVxeBI8Bo81sJegGV0NZSV6DPQDgRg7ywrAWg0YYAbKXF9dO9G4uia
148lU9t9WI7GaKsnrWLvSLFe2gBKP4hTGgRndwVL6QKBgQDmNtKJrrwzVn4zC/bP
8ijBQ5v8XyT/QYVQn1Fa3p9W/lSjBfg13KCHVVfJNR2JjXlQBJRsYYRaMAFGTHdf
tKBWL2nTwgWo7jVXKDORQLrhkx/p/KCJbWBTS9ahK+CTUMWzI7xQlC1d/PI6oTT1
gJ4ZymhhpU3JLtKUg12vA7nq2wKBgQDdKJlsP9B54dXIto2lTAQVKDHeu7QqAeGz
oPVdG9w+ieVmWbEbsd61BbiNboLjP1y2pgp4tsRvlPbVEczeySYh4xs2OpSIhGZS
ARczrWsqFanOOR/H+s8uw55ng7VHw4S62bN8BWls/I7WHfRu5y6DdkEAykxG1vzC
CltwsnTLCQKBgCFD/rxCcZOBhg7eRbXaqiTzHhEjtnbkAt2Zh+n3jVLGwXglHq65
yMCFhn/emvwLY2I6py/aD4Pwt95uojlEIn8RrtsYiDTW5wJHHtx4XAjId64aASCa
m3at2L/FVVg0Lb0rBsUmBEA2ktICBWMMSMw1QUwK1OijSW6IZPsrMKxNAoGATas8
dm/S33sYgWzbQfn4VRXQrdBt7XLLuTIF+bUXHD+BePh24qsM87YWolT1Uqml/d9C
PjKxuh4usZWWxYcPBUek/t6D243kAViwtU1qHVWOVQZqyuiiamH495Gh0Joxuw1J
o3yjEcuAvmG2vlwiUbjuC0EAmMBX9C1+/40sx0ECgYEAho50k9kmHVqiIccdaGNz
fcuzjkZAkkh0lGWsNXZ2BIEsnIc4iY7ZnENIAa1xIY11DrlgRHbZAh0VAZR1wzKW
4AXJNCgOn4aT2aBBN0i4B57JbRbgl2DBTvj7zBpoKyZVwNKa3geA2fq80zjLFgm2
0YkzWwgj4Cbun9Iy0ZUCgAY=
-----END PRIVATE KEY-----
`,
  },
}
