// Keys of a screen. The page says them itself: data-hotkey="d", "Mod+Enter", "Ctrl+Space", "ArrowRight", several
// separated by a space. A key clicks a button, link or tick box, and focuses a text field. Single keys rest while a
// text field has the focus and can be switched off for good (WCAG 2.1.4); the switch is remembered on this device.
"use strict";

(() => {
  const OFF = "single-keys-off";
  const TEXT = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=button], [type=submit])";
  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

  // A letter counts by its place when the layout is not Latin: D is D on a Russian keyboard too.
  const nameOf = (event) => {
    if (event.code === "Space") return "Space";
    if (event.key.length > 1) return event.key;
    const place = /^Key([A-Z])$/.exec(event.code);
    return (/[^\x00-\x7f]/.test(event.key) && place ? place[1] : event.key).toLowerCase();
  };
  const combinations = (event) => {
    const key = nameOf(event);
    if (event.altKey) return [];
    if (!event.ctrlKey && !event.metaKey) return [key];
    return [`Mod+${key}`, event.ctrlKey ? `Ctrl+${key}` : `Meta+${key}`];
  };

  const isUsable = (element) => !element.disabled && (element.checkVisibility?.() ?? true);
  const matches = (element, names) => element.dataset.hotkey.split(" ").some((key) => names.includes(key.length === 1 ? key.toLowerCase() : key));
  const wanted = (names) => {
    const open = document.querySelector("[popover]:popover-open");
    const found = Array.from(document.querySelectorAll("[data-hotkey]")).filter((element) => matches(element, names) && isUsable(element));
    return found.find((element) => !open || open.contains(element) || element.getAttribute("popovertarget") === open.id);
  };
  const use = (element) => {
    if (element.matches("details")) { element.open = true; element.querySelector(TEXT)?.focus(); return; }
    if (element.matches(TEXT)) { element.focus(); element.select?.(); return; }
    element.click();
  };

  // Switched off for this account in the settings, or for this device in the list of keys.
  const isOff = () => document.documentElement.dataset.singleKeys === "off" || localStorage.getItem(OFF) === "yes";
  const isResting = (event, single) => {
    if (event.target.closest?.(TEXT)) return single;
    return single && event.key.length === 1 && isOff();
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.repeat && event.key.length === 1) return;
    if (event.key === "Escape" && event.target.matches?.(TEXT)) { event.target.blur(); return; }
    const single = !event.ctrlKey && !event.metaKey;
    if (isResting(event, single)) return;
    const names = combinations(event);
    const element = wanted(names);
    if (element) { event.preventDefault(); use(element); return; }
    if (single && move(event, names[0])) event.preventDefault();
  });

  // Moving: through the lines of a script, or through the rows of a list.
  const move = (event, key) => {
    if (key === "ArrowRight" || key === "ArrowLeft") return !event.target.matches?.("input") && step(key === "ArrowRight" ? 1 : -1);
    if (key === "j" || key === "k") return toRow(key === "j" ? 1 : -1);
    if (key === "x") return document.activeElement.closest?.("tr")?.querySelector("[data-pick]")?.click() ?? false;
    return false;
  };
  const toRow = (by) => {
    const rows = Array.from(document.querySelectorAll("table.data .object"));
    const row = rows[Math.max(0, rows.indexOf(document.activeElement) + by)];
    row?.focus();
    return Boolean(row);
  };

  const linesOf = (script) => Array.from(script.querySelectorAll("[data-line]"));
  const goTo = (line) => {
    const script = line.closest("[data-script]");
    script.classList.add("is-live");
    linesOf(script).forEach((other) => other.classList.toggle("is-now", other === line));
    line.focus({ preventScroll: true });
    line.scrollIntoView({ block: "nearest" });
  };
  const step = (by) => {
    const script = document.querySelector("[data-script]");
    if (!script) return false;
    const lines = linesOf(script);
    const now = lines.findIndex((line) => line.classList.contains("is-now"));
    goTo(lines[Math.min(Math.max(now + by, 0), lines.length - 1)]);
    return true;
  };
  document.addEventListener("click", (event) => {
    const answer = event.target.closest("[data-to], [data-outcome]");
    const script = answer?.closest("[data-script]");
    if (!script) return;
    const result = answer.dataset.outcome && document.querySelector(`.outcomes input[value="${CSS.escape(answer.dataset.outcome)}"]`);
    if (result) result.click();
    const line = script.querySelector(`[data-line="${CSS.escape(answer.dataset.to)}"]`);
    if (line) goTo(line);
  });

  // The switch, and the names of the keys on a Mac.
  const dress = () => {
    document.querySelectorAll("[data-keys-switch]").forEach((box) => { box.checked = !isOff(); });
    if (isMac) document.querySelectorAll("kbd[data-mod]").forEach((key) => { key.textContent = "⌘"; });
    const first = document.querySelector("[data-script]:not(.is-live) [data-line]");
    first?.classList.add("is-now");
    first?.closest("[data-script]").classList.add("is-live");
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-keys-switch]")) localStorage.setItem(OFF, event.target.checked ? "no" : "yes");
  });
  document.addEventListener("htmx:afterSettle", dress);
  dress();
})();
