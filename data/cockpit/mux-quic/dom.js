/* The few things that the page does with elements, so that what stands there already is left alone: a person may have the focus in
 * it, or a reader in the middle of it. */
export function element(name, properties = {}, ...children) {
  const node = document.createElement(name);

  for (const [key, value] of Object.entries(properties))
    if (key in node)
      node[key] = value;
    else
      node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export function setText(node, text) {
  if (node.textContent !== text)
    node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value)
    node.setAttribute(name, value);
}

/* `nodes` become the children of `parent`, in this order; those that are in their places are not touched. */
export function arrange(parent, nodes) {
  const kept = new Set(nodes);

  for (const child of [...parent.children])
    if (!kept.has(child))
      child.remove();
  nodes.forEach((node, i) => {
    if (parent.children[i] !== node)
      parent.insertBefore(node, parent.children[i] ?? null);
  });
}
