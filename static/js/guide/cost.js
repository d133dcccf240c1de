// What a message costs, by the ledger's arithmetic: whole nano-dollars a call, rounded up.
const TOKENS_PER_WORD = 4 / 3; // of English

/**
 * The mean of a chat in which each question sends all before it again, in nano-dollars.
 * `prices` in dollars per million tokens, `bounds` in tokens; `cached` is a percentage of what is sent again.
 */
export function meanNano(prices, { question, answer, length, thinking, cached }, { context, output }) {
  const [asked, told] = [question, answer].map((words) => Math.ceil(words * TOKENS_PER_WORD));
  const made = Math.min(told + thinking, output);
  let total = 0;
  for (let turn = 0; turn < length; turn += 1) {
    const again = Math.min(turn * (asked + told), context);
    const reused = Math.floor((again * cached) / 100);
    total += callNano(prices, { plain: asked + again - reused, reused, made });
  }
  return total / length;
}

// In whole numbers: a price per million tokens has at most six places.
function callNano({ input, cached, output }, { plain, reused, made }) {
  const [sent, kept, answered] = [input, cached, output].map((dollars) => Math.round(dollars * 1e6));
  return Math.ceil((plain * sent + reused * kept + made * answered) / 1000);
}
