// Decodes character references (&amp; &#8212; &rarr;), which marked leaves in its tokens.

/** `text` with every known reference replaced by its character; unknown ones stay as written. */
export function decodeEntities(text) {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));/g, decode);
}

function decode(written, decimal, hexadecimal, name) {
  if (name) return NAMED.get(name) ?? written;
  const code = decimal ? Number(decimal) : Number.parseInt(hexadecimal, 16);
  const valid = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return valid ? String.fromCodePoint(code) : '\ufffd';
}

// The names that models write. HTML has 2,000 more, at 30 kB.
const NAMED = new Map(
  `amp & lt < gt > quot " apos ' nbsp \u00a0 cent ¢ pound £ yen ¥ euro € sect § copy © reg ® trade ™ deg ° plusmn ±
  sup2 ² sup3 ³ micro µ para ¶ middot · laquo « raquo » frac14 ¼ frac12 ½ frac34 ¾ times × divide ÷ minus −
  ensp \u2002 emsp \u2003 thinsp \u2009 shy \u00ad ndash – mdash — lsquo ‘ rsquo ’ sbquo ‚ ldquo “ rdquo ” bdquo „
  dagger † bull • hellip … permil ‰ prime ′ Prime ″ larr ← uarr ↑ rarr → darr ↓ harr ↔ lArr ⇐ rArr ⇒ hArr ⇔
  forall ∀ part ∂ exist ∃ empty ∅ nabla ∇ isin ∈ notin ∉ prod ∏ sum ∑ radic √ infin ∞ and ∧ or ∨ cap ∩ cup ∪ int ∫
  asymp ≈ ne ≠ equiv ≡ le ≤ ge ≥ sub ⊂ sup ⊃ Delta Δ Sigma Σ Omega Ω alpha α beta β gamma γ delta δ epsilon ε theta θ
  lambda λ mu μ pi π rho ρ sigma σ tau τ phi φ omega ω auml ä ouml ö uuml ü Auml Ä Ouml Ö Uuml Ü szlig ß eacute é
  egrave è agrave à ccedil ç ntilde ñ check ✓ star ☆ hearts ♥ lbrack [ rbrack ] num # ast * lowbar _ vert | bsol \\`
    .split(/[ \n]+/)
    .flatMap((word, index, all) => (index % 2 ? [] : [[word, all[index + 1]]])),
);
