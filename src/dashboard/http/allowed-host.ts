import { isIP } from 'node:net';

/**
 * Whether a request's Host header names this server in a way that no other site can. A page from elsewhere may have its
 * own name lead to 127.0.0.1 (DNS rebinding) and would be of one origin with us then: such a request carries that name.
 * Addresses are no names, and `localhost` is nobody else's.
 *
 * @param bound what the server was told to listen on
 */
export function isAllowedHost(header: string | undefined, bound: string): boolean {
  if (header === undefined) return false;
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::\d{1,5})?$/.exec(header);
  const name = match?.[1]?.toLowerCase().replace(/\.$/, '');
  if (name === undefined) return false;
  if (name.startsWith('[')) return isIP(name.slice(1, -1)) === 6;
  return isIP(name) === 4 || name === 'localhost' || name === bound.toLowerCase();
}
