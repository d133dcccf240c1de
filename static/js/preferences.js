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
    safely(() => localStorage.setItem(name, value));
  };

  /** All choices are as if never made. */
  window.forgetChoices = () => {
    safely(() => localStorage.clear());
    applyAll();
  };

  const apply = (name, value) => {
    const [first] = CHOICES[name];
    document.documentElement.dataset[name] = CHOICES[name].includes(value) ? value : first;
    if (name === 'theme') colourBar(document.documentElement.dataset.theme);
  };
  const applyAll = () => {
    for (const name in CHOICES) apply(name, safely(() => localStorage.getItem(name)));
  };
  // Without storage a choice lasts as long as the page.
  const safely = (work) => {
    try {
      return work();
    } catch {
      return null;
    }
  };
  // The browser's own bar: of its two colours the one that goes with the chosen theme.
  const colourBar = (theme) => {
    for (const meta of document.querySelectorAll('meta[name=theme-color]')) {
      const { scheme } = meta.dataset;
      meta.media = theme === 'system' ? `(prefers-color-scheme: ${scheme})` : scheme === theme ? 'all' : 'not all';
    }
  };

  window.addEventListener('storage', applyAll); // another tab chose, or forgot
  applyAll();
})();
