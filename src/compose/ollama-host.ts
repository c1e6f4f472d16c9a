/** OLLAMA_HOST as Ollama itself reads it. */
const defaultPort = 11_434;

/** @returns the base URL to call; an address that means "all interfaces" to a server is loopback to us. */
export function ollamaHostUrl(value: string | undefined): string {
  const text = (value ?? '').trim().replace(/^["']|["']$/g, '');
  if (text === '') return `http://127.0.0.1:${defaultPort}`;
  const scheme = /^(https?):\/\//.exec(text)?.[1];
  const rest = scheme === undefined ? text : text.slice(scheme.length + 3);
  const slash = rest.indexOf('/');
  const authority = slash === -1 ? rest : rest.slice(0, slash);
  const path = slash === -1 ? '' : rest.slice(slash).replace(/\/+$/, '');
  const port = /:(\d{1,5})$/.exec(authority)?.[1];
  // A bare IPv6 address has colons of its own and no port.
  const bareIpv6 = !authority.startsWith('[') && authority.split(':').length > 2;
  let host = port === undefined || bareIpv6 ? authority : authority.slice(0, -port.length - 1);
  if (bareIpv6) host = `[${host}]`;
  if (host === '' || host === '0.0.0.0' || host === '[::]') host = '127.0.0.1';
  const fallback = scheme === 'http' ? 80 : scheme === 'https' ? 443 : defaultPort;
  return `${scheme ?? 'http'}://${host}:${port === undefined || bareIpv6 ? fallback : Number(port)}${path}`;
}
