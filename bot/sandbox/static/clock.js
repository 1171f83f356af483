// The demo's clock: what time it is there, and winding it on; beside it, what an organizer does.

import { ask, trouble } from "./shared.js";

export class Clock {
  constructor(refresh) {
    this.refresh = refresh;
    this.root = document.getElementById("wind");
    const opener = document.querySelector(".open-wind");
    opener.addEventListener("click", () => {
      const open = this.root.classList.toggle("opened");
      opener.setAttribute("aria-expanded", String(open));
    });
    const fields = { hours: { hours: 1 }, days: { days: 1 }, next: { next: true } };
    for (const one of this.root.querySelectorAll("[data-wind]")) {
      one.addEventListener("click", () => this.wind(fields[one.dataset.wind]));
    }
    for (const one of this.root.querySelectorAll("[data-deed]")) {
      one.addEventListener("click", () => this.turn(() => ask(`organizer/${one.dataset.deed}`, {})));
    }
    this.root.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.wind({ to: event.target.elements.to.value });
    });
  }

  wind(fields) {
    return this.turn(async () => this.show(await ask("clock", fields)));
  }

  async turn(done) {
    trouble(this.root, "");
    const all = this.root.querySelectorAll("button");
    for (const one of all) one.disabled = true; // one turn at a time
    try {
      await done();
    } catch (error) {
      trouble(this.root, error.message);
    } finally {
      for (const one of all) one.disabled = false;
    }
    await this.refresh();
  }

  show(state) {
    const input = this.root.querySelector("input");
    document.getElementById("clock").textContent = state.clock;
    input.min = state.earliest;
    if (input.value < state.earliest && input !== document.activeElement) input.value = state.earliest;
  }
}
