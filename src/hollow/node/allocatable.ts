import { formatAmount, resourceAmount } from '../pods/units.ts';

type Quantities = Readonly<Record<string, string>>;

/**
 * What a kubelet keeps from pods by default, so that it can evict before the machine is out of it
 * (pkg/kubelet/eviction/defaults_linux.go and defaults_windows.go, v1.36): `memory.available<100Mi`, `nodefs.available<10%`.
 */
export const memoryKeptBytes = { linux: 100 * 1024 * 1024, windows: 500 * 1024 * 1024 } as const;
const diskKeptShare = 0.1;

/** Of a node's capacity, what pods may use. Pure. */
export function allocatableOf(
  capacity: Quantities,
  operatingSystem: keyof typeof memoryKeptBytes,
): Record<string, string> {
  const allocatable = { ...capacity };
  const { memory, 'ephemeral-storage': disk } = capacity;
  if (memory !== undefined) {
    const leftBytes = resourceAmount('memory', memory) - memoryKeptBytes[operatingSystem];
    allocatable['memory'] = formatAmount('memory', Math.max(0, leftBytes));
  }
  if (disk !== undefined) {
    const bytes = resourceAmount('ephemeral-storage', disk);
    // In plain bytes, as a share has no unit.
    allocatable['ephemeral-storage'] = String(bytes - Math.floor(bytes * diskKeptShare));
  }
  return allocatable;
}
