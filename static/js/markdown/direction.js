// Tells which way a text runs, for boxes whose own children say `dir="auto"` each for itself.

const RIGHT_TO_LEFT = /[\p{sc=Arabic}\p{sc=Hebrew}\p{sc=Syriac}\p{sc=Thaana}\p{sc=Nko}\p{sc=Adlam}]/u;

/** 'rtl' where the first letter of `text` belongs to a script that runs so, else null. */
export function direction(text) {
  const [letter] = /\p{L}/u.exec(text) ?? [''];
  return RIGHT_TO_LEFT.test(letter) ? 'rtl' : null;
}
