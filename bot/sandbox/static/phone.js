// One phone: what a person does on it, and its chat, shown as text and never as markup.

import { ask, button, day, element, link, trouble, words } from "./shared.js";

export class Phone {
  constructor(channel, refresh, news) {
    this.channel = channel;
    this.refresh = refresh;
    this.news = news;
    this.root = document.getElementById(channel);
    this.person = sessionStorage.getItem(channel) || "";
    this.taken = () => {};
    this.waiting = 0;
    this.keys_shown = "";
    this.forget();
    this.at_end = true;
    this.find(".screen").addEventListener("scroll", (event) => {
      const { scrollTop, scrollHeight, clientHeight } = event.target;
      this.at_end = scrollHeight - scrollTop - clientHeight < 40;
    });
    // What opens below takes room from the chat: its newest line stays in sight.
    new ResizeObserver(() => { if (this.at_end) this.toEnd(); }).observe(this.find(".screen"));
    this.find(".fresh").addEventListener("click", () => this.fresh());
    for (const one of this.root.querySelectorAll("button[data-do]")) {
      one.addEventListener("click", () => this.act(one.dataset.do));
    }
    this.find(".write").addEventListener("submit", (event) => this.write(event));
    this.find(".code").addEventListener("submit", (event) => {
      event.preventDefault();
      this.act(event.target.dataset.do, { code: event.target.elements.code.value });
    });
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  forget() {
    this.seen = "";
    this.shown = new Map();
    this.find(".log").replaceChildren();
  }

  asked() {
    return this.person ? { [this.channel]: this.person, [`${this.channel}_seen`]: this.seen } : {};
  }

  async fresh() {
    try {
      const answer = await ask(`${this.channel}/new`, { language: document.body.dataset.language });
      trouble(this.root, "");
      await this.become(answer.person);
    } catch (error) {
      trouble(this.root, error.message);
      await this.refresh();
    }
  }

  // Another person takes the phone up, with the chat that is theirs.
  async become(person) {
    this.person = person;
    sessionStorage.setItem(this.channel, person);
    this.forget();
    this.taken();
    await this.refresh();
  }

  write(event) {
    event.preventDefault();
    const input = event.target.elements.text;
    const text = input.value;
    if (!text.trim()) return;
    input.value = "";
    this.act("say", { text }).then((sent) => {
      if (!sent && !input.value) input.value = text; // nothing typed is lost
    });
  }

  async act(deed, fields = {}) {
    trouble(this.root, "");
    this.wait(1);
    const done = ask(`${this.channel}/${this.person}/${deed}`, fields);
    setTimeout(this.refresh, 60); // one's own line stands there before the answer does
    try {
      await done;
      return true;
    } catch (error) {
      trouble(this.root, error.message);
      return false;
    } finally {
      this.wait(-1);
      await this.refresh();
    }
  }

  wait(by) {
    this.waiting += by;
    this.find(".waiting").hidden = this.waiting === 0;
    if (by > 0) this.toEnd();
  }

  toEnd() {
    const screen = this.find(".screen");
    screen.scrollTop = screen.scrollHeight;
  }

  show(state, asked) {
    if (!state || asked[this.channel] !== this.person) return;
    this.controls(state);
    if (!state.lines) return;
    if (Number(state.version) < Number(this.seen)) this.forget(); // the demo was started anew
    this.seen = state.version;
    const log = this.find(".log");
    let last = null;
    for (const line of state.lines) {
      const written = JSON.stringify(line);
      const old = this.shown.get(line.number);
      if (old && old.written === written) continue;
      const nodes = this.lines(line);
      if (old) {
        old.nodes[0].before(...nodes);
        for (const node of old.nodes) node.remove();
      } else {
        log.append(...nodes);
      }
      this.shown.set(line.number, { nodes, written });
      last = line;
    }
    this.find(".empty").hidden = state.lines.length > 0;
    if (last) {
      this.toEnd();
      if (last.who !== "person") this.news(this.channel);
    }
  }

  controls(state) {
    const hide = (selector, hidden) => { this.find(selector).hidden = hidden; };
    const may = this.channel === "wechat" ? state.following !== false : !state.blocked;
    for (const one of this.root.querySelectorAll(".write input, .write button, .deeds button:not([data-do=unfollow])")) {
      one.disabled = !may;
    }
    if (this.channel === "wechat") {
      hide("[data-do=follow]", state.following === true);
      hide("[data-do=unfollow]", state.following !== true);
      hide("[data-note]", state.following !== false || !state.version || state.version === "0");
      this.keyboard(may ? state.menu.map((one, button) => one.under.length
        ? { name: one.name, under: one.under.map((name, at) => ({ name, fields: { button, under: at + 1 } })) }
        : { name: one.name, fields: { button, under: 0 } }) : [], "menu");
      return;
    }
    hide(".first [data-do=start]", state.started || state.blocked);
    hide("[data-do=block]", !state.started || state.blocked);
    hide("[data-do=unblock]", !state.blocked);
    hide("[data-note]", !state.blocked);
    hide("[data-do=contact]", !state.contact || state.blocked);
    this.find("[data-do=contact]").textContent = state.contact;
    this.keyboard(may ? state.keys.map((name) => ({ name, fields: { text: name } })) : [], "say");
  }

  keyboard(keys, deed) {
    const written = JSON.stringify(keys);
    if (written === this.keys_shown) return;
    this.keys_shown = written;
    const place = this.find(".menu");
    place.hidden = !keys.length;
    const key = ({ name, fields }) => button(name, () => this.act(deed, fields));
    place.replaceChildren(...keys.map((one) => one.under
      ? element("details", {}, element("summary", {}, one.name), ...one.under.map(key))
      : key(one)));
  }

  lines(line) {
    const made = this.line(line);
    return line.day ? [element("li", { className: "day" }, day(line.day)), made] : [made];
  }

  line(line) {
    const bubble = line.card ? this.card(line.card) : element("div", { className: "bubble" });
    if (!line.card) for (const part of line.parts) bubble.append(this.part(line, part));
    const who = element("span", { className: "away" }, `${words[line.who === "person" ? "you" : line.who]}: `);
    const made = element("li", { className: line.who }, who, bubble);
    const inside = !line.card && line.parts.some((part) => part.choice);
    if (line.choices.length && !inside) made.append(this.keys(line));
    made.append(element("time", {}, line.at));
    return made;
  }

  card(card) {
    const made = element("div", { className: "bubble card" }, element("h3", {}, card.title));
    const rows = element("dl");
    for (const [name, value] of card.rows) {
      if (name) rows.append(element("dt", {}, name));
      rows.append(element("dd", { className: name ? "" : "alone" }, value));
    }
    if (card.place) made.prepend(element("p", { className: "map", "aria-hidden": "true" }));
    if (card.place) rows.append(element("dd", { className: "alone quiet" }, card.place.join(", ")));
    made.append(rows);
    if (card.link) made.append(element("p", { className: "open" }, link(words.card_open, card.link)));
    return made;
  }

  part(line, part) {
    if (part.choice) return this.choice(line, part.choice, part.text);
    return part.link ? link(part.text, part.link) : linked(part.text);
  }

  choice(line, number, label) {
    return button(label, () => this.act("tap", { line: line.number, choice: number }));
  }

  keys(line) {
    const rows = new Map();
    line.choices.forEach((option, index) => {
      if (!rows.has(option.row)) rows.set(option.row, element("div"));
      const key = option.link ? link(option.label, option.link) : this.choice(line, index + 1, option.label);
      rows.get(option.row).append(key);
    });
    return element("div", { className: "keys" }, ...rows.values());
  }
}

// Both platforms make a link of an address in a text.
function linked(text) {
  const made = document.createDocumentFragment();
  for (const piece of text.split(/(https?:\/\/[\w\-.~:/?#@!$&*+,;=%]*[\w\-~/#=])/)) {
    made.append(/^https?:\/\//.test(piece) ? link(piece, piece) : piece);
  }
  return made;
}
