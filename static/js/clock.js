// Ages and countdowns that tick by the server's clock: <time datetime data-clock="age|until">. The device's clock may
// be wrong or the sandbox's moved, so the difference is taken once from the page; the server alone decides what is late.
"use strict";

(() => {
  const page = performance.getEntriesByType("navigation")[0];
  const arrived = performance.timeOrigin + (page?.responseStart ?? 0);
  const offset = Date.parse(document.documentElement.dataset.now) - arrived;
  if (Number.isNaN(offset)) return; // an error page does not ask the time
  const words = document.getElementById("words").dataset;
  const two = (number) => String(number).padStart(2, "0");

  const spell = (seconds) => {
    const [d, h, m] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600), Math.floor(seconds % 3600 / 60)];
    if (h < 1) return `${two(m)}:${two(seconds % 60)}`;
    if (d < 1) return words.hours.replace("{h}", h).replace("{m}", m);
    return words.days.replace("{d}", d);
  };

  // Urgent once: the color changes and it is said aloud, then never again for this deadline.
  const mark = (box, left) => {
    if (left <= 0) {
      box.classList.add("is-over");
    } else if (left <= Number(box.dataset.warn) && !box.classList.contains("is-soon")) {
      box.classList.add("is-soon");
      document.dispatchEvent(new CustomEvent("say", { detail: `${words.soon} ${spell(left)}` }));
    }
  };
  const write = (time, now) => {
    const seconds = Math.floor((Date.parse(time.dateTime) - now) / 1000);
    const box = time.closest(".countdown");
    const text = time.dataset.clock === "age" ? spell(Math.max(-seconds, 0)) : seconds > 0 ? spell(seconds) : box.dataset.over;
    if (time.textContent !== text) time.textContent = text;
    if (box) mark(box, seconds);
  };
  const tick = () => {
    const now = Date.now() + offset;
    document.querySelectorAll("time[data-clock]").forEach((time) => write(time, now));
  };
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSettle", tick);
  tick();
})();
