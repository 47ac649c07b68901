import { readFileSync } from 'node:fs';

/** State ESTABLISHED. Source: proc_pid_net(5), include/net/tcp_states.h. */
const established = '01';

/** Connections of this machine's own processes to a local port; undefined where the system does not tell (procfs: Linux only). */
export function connectionsTo(port: number): number | undefined {
  try {
    return ['tcp', 'tcp6']
      .map((table) => establishedTo(port, readFileSync(`/proc/net/${table}`, 'latin1')))
      .reduce((sum, count) => sum + count, 0);
  } catch {
    return undefined;
  }
}

/** Lines of a table as /proc/net/tcp has it whose remote address has this port: a client's end, each once. */
export function establishedTo(port: number, table: string): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let count = 0;
  for (const line of table.split('\n')) {
    const [, , remote = '', state] = line.trim().split(/\s+/);
    if (state === established && remote.endsWith(suffix)) count++;
  }
  return count;
}
