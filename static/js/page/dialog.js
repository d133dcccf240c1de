// Opens a dialog over the page. Its close button, Escape and a press beside it close it; focus then comes back by itself.

export function openDialog(dialog) {
  if (dialog.open) return;
  dialog.onclick = ({ target }) => target.closest('[data-part="close"]') && dialog.close();
  dialog.onmousedown = (event) => {
    if (event.target !== dialog) return; // its content fills it: what is pressed is the page behind
    event.preventDefault(); // or focus would go there
    dialog.close();
  };
  dialog.showModal();
}
