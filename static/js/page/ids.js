// Makes ids for chats and messages: 128 random bits. (crypto.randomUUID is missing on plain http.)

export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
