// The visitor's choices, as data-* of <html>: set before the first paint, so loaded in <head> and not as a module.
(() => {
  const onTouch = matchMedia('(hover: none) and (pointer: coarse)').matches;
  // Of each the first holds until another is chosen.
  const CHOICES = {
    theme: ['system', 'light', 'dark'],
    text: ['normal', 'small', 'large', 'larger'],
    enter: onTouch ? ['breaks', 'sends'] : ['sends', 'breaks'],
    sidebar: ['open', 'closed'],
  };

  /** Keeps the choice, here and in other tabs. */
  window.choose = (name, value) => {
    apply(name, value);
    try {
      localStorage.setItem(name, value);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  };

  /** All choices are as if never made. */
  window.forgetChoices = () => {
    try {
      localStorage.clear();
    } catch {
      // There is none.
    }
    applyAll();
  };

  const apply = (name, value) => {
    const [first] = CHOICES[name];
    document.documentElement.dataset[name] = CHOICES[name].includes(value) ? value : first;
  };
  const applyAll = () => {
    for (const name in CHOICES) apply(name, read(name));
  };
  const read = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  };

  window.addEventListener('storage', applyAll); // another tab chose, or forgot
  applyAll();
})();
