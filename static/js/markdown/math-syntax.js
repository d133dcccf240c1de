// Finds formulas in Markdown: $…$, $$…$$, \(…\) and \[…\]. Prices and shell variables stay text.

const BLANK_LINE = /\n[ \t]*\n/;
const DISPLAYED = String.raw`\$\$(?:(?!\$\$|\n[ \t]*\n)[^]){1,2000}\$\$|\\\[(?:(?!\\[[\]]|\n[ \t]*\n)[^]){1,2000}\\\]`;
const BLOCK = new RegExp(`^ {0,3}(${DISPLAYED})[ \\t]*(?:\\n+|$)`);
const LATER_BLOCK = new RegExp(`\\n {0,3}(?:${DISPLAYED})[ \\t]*(?:\\n|$)`);

// As Pandoc and GitHub read dollars: no blank inside them, and no word or number right beside them.
const DOLLARS = String.raw`\$(?![\s$])(?:\\.|[^\\$\n${'`'}]){1,500}(?<!\s)\$(?![\p{L}\p{N}_({$])`;
const BRACKETS = String.raw`\\\((?:(?!\\[()])[^]){1,1000}\\\)|\\\[(?:(?!\\[[\]])[^]){1,1000}\\\]`;
const IN_TEXT = String.raw`\$\$(?:\\[^]|[^\\$]){1,2000}\$\$|${DOLLARS}|${BRACKETS}`;
const INLINE = new RegExp(`^(?:${IN_TEXT})`, 'u');
const CLOSED = new RegExp(`\`[^\`]+\`|\\\\\\$|${IN_TEXT}`, 'gu');

// Half arrived: the end is missing, or may turn out not to end its line.
const START = String.raw`(?:^|\n)[ >]*(?:(?:[-*+]|\d{1,9}[.)]) +)?`;
const CLOSED_BLOCK = new RegExp(`${START}(?:${DISPLAYED})[ \\t]*(?=\\n)`, 'g');
const OPEN = String.raw`\$\$(?:(?!\$\$)[^])*(?:\$\$[ \t]*)?|\\\[(?:(?!\\[[\]])[^])*(?:\\\][ \t]*)?`;
const OPEN_BLOCK = new RegExp(`(?:${START})(${OPEN})$`);
const OPEN_IN_TEXT = /\$\$[^$]{0,400}\$?$|(?<![\p{L}\p{N}\\$])\$(?![\s\d])[^$`]{0,120}\$?$|\\[([].{0,400}$/u;

/** marked's options for it. */
export const formulas = {
  extensions: { block: [blockFormula], startBlock: [laterBlock], inline: [inlineFormula], startInline: [laterDollar] },
  hooks: { emStrongMask: (text) => text.replace(CLOSED, (found) => (found[0] === '$' ? blank(found, 'a') : found)) },
};

/** Where in `text` a formula begins whose end may still come, or its length. */
export function openFormulaAt(text) {
  if (!/\$|\\[([]/.test(text)) return text.length;
  return Math.min(openBlockAt(text), openInTextAt(text));
}

/** The same for a formula on lines of its own, which other blocks do not interrupt. */
export function openBlockAt(text) {
  const last = text.split(BLANK_LINE).at(-1).replace(CLOSED_BLOCK, (found) => blank(found));
  return text.length - (OPEN_BLOCK.exec(last)?.[1].length ?? 0);
}

/** Where in `source` such a formula begins that is complete, after its first line; undefined if none does. */
export function laterBlock(source) {
  return /\$\$|\\\[/.test(source) ? source.search(LATER_BLOCK) + 1 || undefined : undefined;
}

function openInTextAt(text) {
  const line = text.slice(text.lastIndexOf('\n') + 1);
  const isOpen = (found, at) => /^\$[^$]/.test(found) && at + found.length === line.length; // $5$ may become $5$0
  const rest = line.replace(CLOSED, (found, at) => (isOpen(found, at) ? found : blank(found)));
  const found = rest.search(OPEN_IN_TEXT);
  return found < 0 ? text.length : text.length - line.length + found;
}

const blank = (text, filler = ' ') => filler.repeat(text.length);

function blockFormula(source) {
  const [raw, formula] = BLOCK.exec(source) ?? [];
  return formula && asToken(raw, formula);
}

// `tokens` are those before it in the text: a dollar right after a letter or digit opens nothing (US$5, 10$).
function inlineFormula(source, tokens) {
  const formula = /^[$\\]/.test(source) && INLINE.exec(source)?.[0];
  const opens = formula && (formula[0] === '\\' || !/[\p{L}\p{N}]$/u.test(tokens.at(-1)?.raw ?? ''));
  return opens ? asToken(formula, formula) : undefined;
}

function laterDollar(source) {
  return source.indexOf('$');
}

function asToken(raw, formula) {
  const opening = /^(?:\$\$?|\\.)/.exec(formula)[0];
  const inside = formula.slice(opening.length, -opening.length);
  if (!isMath(inside, opening)) return undefined;
  const display = opening === '$$' || opening === '\\[';
  return { type: 'formula', raw, text: inside.trim(), written: formula, display };
}

// "$5 to 10$" is prose, and \[1\] or \[sic\] are brackets that somebody escaped.
function isMath(inside, opening) {
  if (!/[\p{L}\p{N}]/u.test(inside)) return false;
  if (opening === '\\[') return /[\s\\^_=+<>{}]/.test(inside);
  return opening !== '$' || !/^\d[^\\]*\s[a-z]{2,}/i.test(inside);
}
