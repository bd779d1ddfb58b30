// Unique and sortable by time: milliseconds, then randomness. (crypto.randomUUID needs HTTPS on other hosts.)
export function newId(): string {
  const random = crypto.getRandomValues(new Uint8Array(9));
  return Date.now().toString(36) + '-' + Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const now = (): number => Math.floor(Date.now() / 1000);
