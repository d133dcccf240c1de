// The guide's cost calculator: reads its form, and fills in what a message, a day and a month cost.
import { part } from '../page/dom.js';
import { meanNano } from './cost.js';

const DAYS = 30;
const form = part(document, 'calculator');
const { maxContext, maxOutput, budgetDay, budgetMonth } = form.dataset;
const bounds = { context: Number(maxContext), output: Number(maxOutput) };

form.addEventListener('input', show);
form.addEventListener('submit', (event) => event.preventDefault());
show();

function show() {
  const { worst, ...prices } = form.elements.model.selectedOptions[0].dataset;
  const message = meanNano(prices, habits(), bounds);
  const day = message * habits().messages;
  const told = { message: dollars(message), day: dollars(day), month: dollars(DAYS * day), worst: dollars(worst) };
  const shares = { 'of-day': percent(day / budgetDay), 'of-month': percent((DAYS * day) / budgetMonth) };
  for (const [name, text] of Object.entries({ ...told, ...shares })) part(form, name)?.replaceChildren(text);
}

// What is typed, kept within the bounds of its field.
function habits() {
  const fields = [...form.elements].filter(({ type }) => type === 'number');
  const within = ({ value, min, max }) => Math.min(Math.max(Math.floor(Number(value)), min), max);
  return Object.fromEntries(fields.map((field) => [field.name, within(field)]));
}

// In cents from a dollar on, else by three digits.
function dollars(nano) {
  const amount = Math.round(nano) / 1e9;
  const places = amount >= 1 || !amount ? 2 : 2 - Math.floor(Math.log10(amount));
  return `$${amount.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places })}`;
}

function percent(share) {
  return share > 0 && share < 0.01 ? 'Less than 1 %' : `${Math.round(share * 100).toLocaleString('en')} %`;
}
