// Follows the system's colours or the visitor's choice. Loaded in <head>, before the first paint, and not as a module.
(() => {
  const CHOICES = ['system', 'light', 'dark'];
  const root = document.documentElement;
  const apply = (choice) => (root.dataset.theme = CHOICES.includes(choice) ? choice : 'system');

  window.nextTheme = () => {
    const choice = apply(CHOICES[(CHOICES.indexOf(root.dataset.theme) + 1) % CHOICES.length]);
    try {
      localStorage.setItem('theme', choice);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
  };

  try {
    apply(localStorage.getItem('theme'));
  } catch {
    apply('system');
  }
})();
