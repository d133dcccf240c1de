// Makes DOM nodes: elements by name, and copies of the page's <template> elements.

/** `<name>` with the attributes and children (nodes or strings) given; null attributes are left out. */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/** The first element of a copy of `<template id="...">`. */
export function copyTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** The element inside `root` marked `data-part="..."`. */
export function part(root, name) {
  return root.querySelector(`[data-part="${name}"]`);
}
