// The mailbox: the list of mails, and one of them open. A mail's HTML is shown in a frame that runs and fetches nothing.

import { ask, button, element, trouble, words } from "./shared.js";

export class Mailbox {
  constructor(news) {
    this.news = news;
    this.root = document.getElementById("mail");
    this.mails = [];
    this.seen = "";
    this.open_number = 0;
    this.find(".back").addEventListener("click", () => this.back());
    this.find("#mail-of").addEventListener("change", () => this.list());
    for (const way of this.root.querySelectorAll("[data-way]")) {
      way.addEventListener("click", () => this.way(way.dataset.way));
    }
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  asked() {
    return { mail_seen: this.seen };
  }

  toEnd() {} // its newest is at the top

  show(state) {
    if (!state.mails) return;
    const last = this.mails.length ? this.mails[0].number : 0;
    const first_look = this.seen === "";
    this.mails = state.mails;
    this.seen = state.version;
    this.people();
    this.list();
    if (this.mails.length && this.mails[0].number !== last && !first_look) this.news("mail");
  }

  people() {
    const select = this.find("#mail-of");
    const chosen = select.value;
    const names = [...new Set(this.mails.flatMap((mail) => mail.to))].sort();
    const made = names.map((name) => element("option", { value: name }, name));
    select.replaceChildren(element("option", { value: "" }, words.mail_all), ...made);
    select.value = names.includes(chosen) ? chosen : "";
  }

  list() {
    const person = this.find("#mail-of").value;
    const shown = this.mails.filter((mail) => !person || mail.to.includes(person));
    this.find(".empty").hidden = shown.length > 0;
    this.find(".mails").replaceChildren(...shown.map((mail) => element("li", {}, this.row(mail))));
  }

  row(mail) {
    const made = button("", () => this.open(mail.number));
    made.append(
      element("b", {}, mail.subject || words.mail_untitled),
      element("span", {}, `${mail.from.replace(/\s*<[^>]*>$/, "") || "?"} → ${mail.to.join(", ")}`),
      element("time", {}, mail.at),
    );
    return made;
  }

  async open(number) {
    trouble(this.root, "");
    let mail;
    try {
      mail = await ask(`mail/${number}`);
    } catch (error) {
      trouble(this.root, error.message);
      return;
    }
    this.open_number = number;
    this.find(".letter h3").textContent = mail.subject || words.mail_untitled;
    const facts = [[words.mail_from, mail.from], [words.mail_to, mail.to.join(", ")], [words.mail_at, mail.at]];
    this.find("dl").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
    const file = (path, label, ...inside) => element("li", {}, element("a", { href: `/sandbox/mail/${number}/${path}`, download: "" }, ...inside, label));
    const files = mail.files.map((one) => file(one.part, `${one.name} · ${one.size}`, ...(one.picture ? [this.picture(number, one)] : [])));
    this.find(".files").replaceChildren(...files, file("source", words.mail_source));
    this.find("pre").textContent = mail.text;
    this.find("[data-way=html]").hidden = !mail.html;
    this.find("[data-way=text]").hidden = !mail.html || !mail.text;
    this.find("iframe").src = mail.html ? `/sandbox/mail/${number}/html` : "about:blank";
    this.way(mail.html ? "html" : "text");
    this.find(".screen").hidden = true;
    this.find(".letter").hidden = false;
    this.find(".letter").scrollTop = 0;
    this.find(".back").focus();
  }

  picture(number, one) {
    return element("img", { src: `/sandbox/mail/${number}/${one.part}`, alt: "" });
  }

  way(way) {
    for (const one of this.root.querySelectorAll("[data-way]")) {
      one.setAttribute("aria-pressed", String(one.dataset.way === way));
    }
    this.find("iframe").hidden = way !== "html";
    this.find("pre").hidden = way !== "text";
  }

  back() {
    this.find(".letter").hidden = true;
    this.find(".screen").hidden = false;
    this.find("iframe").src = "about:blank";
    const at = this.mails.findIndex((mail) => mail.number === this.open_number);
    this.root.querySelectorAll(".mails button")[Math.max(at, 0)]?.focus();
  }
}
