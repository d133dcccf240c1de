// Tells how much of an answer nothing can change any more, whatever comes after it.
import { lexBlocks } from './lexer.js';
import { openBlockAt } from './math-syntax.js';

const LINES_TO_BE_SURE = 2; // a table is known by its second line, everything else by its first

/** How many characters of `text` are blocks that nothing after them can change. */
export function settledLength(text) {
  const limit = openBlockAt(text); // what follows may turn out to be a formula
  let settled = 0;
  let end = 0;
  for (const token of lexBlocks(text)) {
    if (!text.startsWith(token.raw, end)) break;
    end += token.raw.length;
    const rest = text.slice(end).replace(/^\s*\n/, '');
    if (rest.split('\n', LINES_TO_BE_SURE + 1).length <= LINES_TO_BE_SURE) break;
    if (end >= limit || mayStillGrow(token, rest)) break;
    settled = end;
  }
  return settled;
}

// A link definition's title may begin on the next line and hold blank ones.
function mayStillGrow(token, rest) {
  if (token.type === 'def') return /^\s*["'(]/.test(rest);
  return token.type === 'paragraph' && /^ {0,3}\[[^\]]*\]:/.test(token.raw);
}
