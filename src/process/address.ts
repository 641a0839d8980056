/** The host to connect to, from the same machine, for a server that listens on `host`; IPv6 addresses in brackets. */
export function localHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}
