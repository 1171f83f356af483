// The switches of the platforms and the mail server; what is on is written above each device, with a way to end it.

import { ask, button, element, trouble, words } from "./shared.js";

export class Switches {
  constructor(refresh) {
    this.refresh = refresh;
    this.shown = "";
    for (const one of document.querySelectorAll("[data-switch]")) {
      const target = one.closest(".phone").id;
      one.addEventListener("click", () => this.turn(target, one.dataset.switch, one.getAttribute("aria-checked") !== "true"));
    }
  }

  async turn(target, kind, on) {
    const root = document.getElementById(target);
    trouble(root, "");
    try {
      this.show(await ask(`${target}/switch`, { kind, on }));
    } catch (error) {
      trouble(root, error.message);
    }
    await this.refresh();
  }

  show(state) {
    const written = JSON.stringify(state);
    if (written === this.shown) return;
    this.shown = written;
    for (const [target, on] of Object.entries(state)) {
      const root = document.getElementById(target);
      for (const one of root.querySelectorAll("[data-switch]")) {
        one.setAttribute("aria-checked", String(on.includes(one.dataset.switch)));
      }
      const strip = root.querySelector(".ordered");
      strip.hidden = !on.length;
      strip.replaceChildren(...on.map((kind) => this.row(target, kind)));
      document.querySelector(`[data-tab=${target}]`).classList.toggle("ill", on.length > 0);
    }
  }

  row(target, kind) {
    const label = words[kind] || words[`busy_${target}`];
    return element("p", {}, element("span", {}, `⚠ ${words.switched_on}${label}`), button(words.switch_off, () => this.turn(target, kind, false)));
  }
}
