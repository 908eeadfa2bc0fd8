// Refreshes the parts of the page that are marked with data-live. The page works without it.
"use strict";

const PAUSE_MS = 1500;

// Make `node` equal to `next`, and touch nothing that is equal already: what has the focus or is being clicked stays.
function update(node, next) {
  if (node.isEqualNode(next)) return;
  if (node.nodeType === Node.TEXT_NODE && next.nodeType === Node.TEXT_NODE) {
    node.data = next.data;
    return;
  }
  if (node.nodeName !== next.nodeName || node.id !== next.id || node.childNodes.length !== next.childNodes.length) {
    const focused = node.contains(document.activeElement) ? document.activeElement.id : "";
    node.replaceWith(document.importNode(next, true));
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    return;
  }
  for (const { name } of [...node.attributes]) if (!next.hasAttribute(name)) node.removeAttribute(name);
  for (const { name, value } of next.attributes) node.setAttribute(name, value);
  [...node.childNodes].forEach((child, index) => update(child, next.childNodes[index]));
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  // What the reader has opened or closed stays so.
  for (const details of document.querySelectorAll("[data-live] details")) {
    fresh.getElementById(details.id)?.toggleAttribute("open", details.open);
  }
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (next) update(part, next);
  }
}

async function keepFresh() {
  if (document.visibilityState === "visible") {
    try {
      await refresh();
    } catch {
      // The simulator restarts or has ended: the next round asks again.
    }
  }
  setTimeout(keepFresh, PAUSE_MS);
}

// A note tells what was just done; opening the page again must not tell it once more.
const here = new URL(location.href);
here.searchParams.delete("note");
if (here.href !== location.href) history.replaceState(null, "", here);

if (document.querySelector("[data-live]")) setTimeout(keepFresh, PAUSE_MS);
