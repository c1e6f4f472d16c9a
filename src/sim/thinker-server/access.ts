/** Who may call a server bound to loopback: Ollama's defence against DNS rebinding and foreign web pages. */
import { isIP } from 'node:net';

/** An address, a name of this machine, or one that no public DNS answers. An absent header is an HTTP/1.0 client. */
export function isAllowedHost(header: string | undefined): boolean {
  if (header === undefined || header === '') return true;
  const host = header.startsWith('[') ? header.slice(1, header.indexOf(']')) : header.replace(/:\d+$/, '');
  if (isIP(host) !== 0) return isLocalAddress(host);
  const name = host.toLowerCase().replace(/\.$/, '');
  return name === 'localhost' || /\.(?:localhost|local|internal)$/.test(name);
}

/** Loopback, private and unspecified addresses: none of them is an attacker's public host. */
function isLocalAddress(address: string): boolean {
  if (address.includes(':')) return /^(?:::1?$|f[cd]|fe80|::ffff:127\.)/i.test(address);
  return /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|0\.0\.0\.0$)/.test(address);
}

const localOrigin = /^https?:\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?$/;
const appOrigin = /^(?:app|file|tauri|vscode-webview|vscode-file):\/\//;

export const isAllowedOrigin = (origin: string): boolean => localOrigin.test(origin) || appOrigin.test(origin);
