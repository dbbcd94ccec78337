// What the script adds to pages that work without it: focus and announcements after a swap, busy marks, one
// submit per form, chosen file names, ticked rows, copying, menus that close. No state, no templates, no money.
"use strict";

const root = document.documentElement;
const words = document.getElementById("words")?.dataset ?? {};
const flash = document.getElementById("flash");

root.classList.add("js");

// One live region, filled and never replaced: replacing the node would silence it.
document.addEventListener("say", (event) => {
  const live = document.getElementById("live");
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = event.detail; });
});
const say = (text) => document.dispatchEvent(new CustomEvent("say", { detail: text }));

// Focus: what asks for it, else the heading of a new step. On a full page only an error asks.
const focusOn = (element) => element?.focus({ preventScroll: false });
focusOn(document.querySelector("[data-focus]"));

// An announcement is made once: a poll that says the same again stays silent.
const said = new Map();
const announce = (scope) => {
  const spoken = scope.matches("[data-announce]") ? scope : scope.querySelector("[data-announce]");
  const key = spoken?.id ?? "";
  if (!spoken || said.get(key) === spoken.dataset.announce) return;
  said.set(key, spoken.dataset.announce);
  say(spoken.dataset.announce);
};

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = document.querySelector("meta[name=csrf-token]").content;
});
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!event.detail.target.matches(".job")) event.detail.target.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:afterRequest", (event) => event.detail.target?.removeAttribute("aria-busy"));
document.addEventListener("htmx:afterSettle", (event) => {
  const scope = event.detail.elt;
  focusOn(scope.matches("[data-focus]") ? scope : scope.querySelector("[data-focus]") ?? scope.querySelector("h1"));
  announce(scope);
  countPicked();
});

// No answer, or an answer that is not ours (a proxy's page): say so where errors are said.
const unreachable = () => {
  flash.replaceChildren(document.getElementById("offline").content.cloneNode(true));
  flash.focus();
};
document.addEventListener("htmx:sendError", unreachable);
document.addEventListener("htmx:responseError", () => { if (!flash.firstElementChild) unreachable(); });

// A plain form is sent once. Its buttons are marked after the browser has read them, or their value would be lost.
const buttonsOf = (form) => form.querySelectorAll("button[type=submit], button:not([type])");
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]") || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
  setTimeout(() => buttonsOf(form).forEach((button) => button.setAttribute("aria-busy", "true")));
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    buttonsOf(form).forEach((button) => button.removeAttribute("aria-busy"));
  });
});

// Files: the name of what was chosen, and dropping as a second way to choose.
const nameFiles = (input) => {
  const output = input.closest("[data-drop]")?.querySelector("output");
  if (output) output.textContent = Array.from(input.files, (file) => file.name).join(", ");
};
const dropOf = (event) => event.target.closest?.("[data-drop]");
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const drop = dropOf(event);
    if (!drop) return;
    event.preventDefault();
    drop.classList.toggle("is-over", kind === "dragover");
    if (kind !== "drop" || !event.dataTransfer.files.length) return;
    const input = drop.querySelector("input[type=file]");
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

// Ticked rows: how many, and the tick box of the page.
function countPicked() {
  const bulk = document.querySelector("[data-bulk]");
  if (!bulk) return;
  const boxes = Array.from(document.querySelectorAll("[data-pick]"));
  const picked = boxes.filter((box) => box.checked).length;
  const all = bulk.querySelector("[data-pick-all]");
  if (all) {
    all.checked = picked > 0 && picked === boxes.length;
    all.indeterminate = picked > 0 && picked < boxes.length;
  }
  bulk.classList.toggle("is-active", picked > 0);
  bulk.querySelector("[data-bulk-count]").textContent = picked ? words.chosen.replace("{n}", picked) : "";
}
document.addEventListener("change", (event) => {
  if (event.target.matches("input[type=file]")) nameFiles(event.target);
  if (event.target.matches("[data-pick-all]")) {
    document.querySelectorAll("[data-pick]").forEach((box) => { box.checked = event.target.checked; });
  }
  if (event.target.matches("[data-pick], [data-pick-all]")) countPicked();
});

// Clicks: copy, dismiss, and a menu closes when the click lands elsewhere.
document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy).then(() => say(words.copied));
  event.target.closest("[data-dismiss]")?.parentElement.remove();
  closeMenus(event.target);
});
const closeMenus = (except) => document.querySelectorAll("details.menu[open]").forEach((menu) => {
  if (!menu.contains(except)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
