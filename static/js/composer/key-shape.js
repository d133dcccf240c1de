// What an OpenAI key looks like. These are the server's shapes (chatbot/key/shapes.py); a test holds both to the same finds.

const MARKED = 'sk-[A-Za-z0-9_-]{0,200}T3BlbkFJ[A-Za-z0-9_-]{10,}';
const MIXED = '(?=[A-Za-z_-]{0,39}\\d)(?=[a-z0-9_-]{0,39}[A-Z])(?=[A-Z0-9_-]{0,39}[a-z])';
const UNMARKED = `sk-(?:proj|svcacct|service|admin)-${MIXED}[A-Za-z0-9_-]{40,}`;
const FOUND = new RegExp(`${MARKED}|${UNMARKED}`, 'g');

export const holdsKey = (text) => text.search(FOUND) >= 0;

export const withoutKeys = (text) => text.replace(FOUND, '');

/** Cuts every key out of a text field; the caret stays between the characters it was between. */
export function cutKeys(field) {
  for (const { 0: key, index } of [...field.value.matchAll(FOUND)].reverse()) {
    field.setRangeText('', index, index + key.length, 'preserve');
  }
}
