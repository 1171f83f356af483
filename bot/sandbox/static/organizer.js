// Telegram in the organizer's hand: the same phone with another person, and back to the guest with their chat as it was.

import { ask, trouble, words } from "./shared.js";

const GUEST = "telegram_guest";

export class Organizer {
  constructor(phone, choose) {
    this.phone = phone;
    this.choose = choose;
    this.button = document.querySelector("[data-as]");
    if (!this.button) return;
    this.person = this.button.dataset.as;
    this.empty = phone.find(".empty").textContent;
    this.button.addEventListener("click", () => this.turn());
    this.show();
  }

  get on() {
    return this.phone.person === this.person;
  }

  async turn() {
    const guest = sessionStorage.getItem(GUEST);
    try {
      if (!this.on) {
        await ask("organizer", { language: document.body.dataset.language });
        sessionStorage.setItem(GUEST, this.phone.person);
        await this.phone.become(this.person);
      } else if (guest) {
        await this.phone.become(guest);
      } else {
        await this.phone.fresh();
      }
      trouble(this.phone.root, "");
    } catch (error) {
      trouble(this.phone.root, error.message);
    }
    this.choose("telegram");
  }

  show() {
    if (!this.button) return;
    this.button.setAttribute("aria-pressed", String(this.on));
    this.phone.find("h2").textContent = this.on ? `${words.telegram} · ${words.organizer}` : words.telegram;
    this.phone.find(".empty").textContent = this.on ? words.organizer_empty : this.empty;
  }
}
