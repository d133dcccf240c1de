// Makes tables whose columns keep their widths while rows arrive.
import { element } from '../page/dom.js';
import { direction } from './direction.js';
import { inlineNodes } from './inline.js';
import { words } from '../page/words.js';

const ROWS_TO_MEASURE = 2; // those the widths are taken from, under the head

/** A box that scrolls sideways, for marked's token of a table. */
export function table(token) {
  const columns = widths([token.header, ...token.rows.slice(0, ROWS_TO_MEASURE)]);
  const all = columns.reduce((sum, width) => sum + width, 0);
  const column = (width) => element('col', { width: `${((100 * width) / all).toFixed(1)}%` });
  const made = element('table', { dir: direction(token.header.map(({ text }) => text).join(' ')) },
    element('colgroup', {}, ...columns.map(column)),
    element('thead', {}, row(token.header, 'th')),
    element('tbody', {}, ...token.rows.map((cells) => row(cells, 'td'))));
  made.style.minWidth = `${all}ch`;
  return element('div', { class: 'table', tabindex: '0', role: 'group', 'aria-label': words.table }, made);
}

// In characters, with room for the padding.
function widths(rows) {
  return rows[0].map((_, column) => {
    const longest = Math.max(...rows.map((cells) => cells[column].text.length));
    return Math.min(Math.max(longest, 4), 28) + 4;
  });
}

function row(cells, name) {
  const cell = ({ align, tokens }) =>
    element(name, { class: align && `align-${align}`, dir: 'auto' }, ...inlineNodes(tokens));
  return element('tr', {}, ...cells.map(cell));
}
