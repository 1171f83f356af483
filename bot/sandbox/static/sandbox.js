// Two phones: asks for what is new each second and at once after a deed, and shows it as text, never as markup.
"use strict";

const words = JSON.parse(document.body.dataset.words);
const EVERY = 1000; // ms between two questions
const phones = {};

function element(name, options = {}, ...children) {
  const { className, ...rest } = options;
  const made = document.createElement(name);
  if (className) made.className = className;
  for (const [key, value] of Object.entries(rest)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

async function ask(path, fields) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) };
  let response;
  try {
    response = await fetch(`/sandbox/api/${path}`, fields === undefined ? {} : post);
  } catch {
    throw new Error("offline");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(words[answer.error] ? answer.error : "offline");
  return answer;
}

class Phone {
  constructor(channel) {
    this.channel = channel;
    this.root = document.getElementById(channel);
    this.person = sessionStorage.getItem(channel) || "";
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
    for (const button of this.root.querySelectorAll("button[data-do]")) {
      button.addEventListener("click", () => this.act(button.dataset.do));
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

  async fresh() {
    try {
      const answer = await ask(`${this.channel}/new`, { language: document.body.dataset.language });
      this.person = answer.person;
      sessionStorage.setItem(this.channel, this.person);
      this.forget();
      this.trouble("");
    } catch (error) {
      this.trouble(error.message);
    }
    await refresh();
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
    this.trouble("");
    this.wait(1);
    const done = ask(`${this.channel}/${this.person}/${deed}`, fields);
    setTimeout(refresh, 60); // one's own line stands there before the answer does
    try {
      await done;
      return true;
    } catch (error) {
      this.trouble(error.message);
      return false;
    } finally {
      this.wait(-1);
      await refresh();
    }
  }

  wait(by) {
    this.waiting += by;
    this.find(".waiting").hidden = this.waiting === 0;
    if (by > 0) this.toEnd();
  }

  trouble(name) {
    const place = this.find(".trouble");
    place.textContent = name ? words[name] || words.offline : "";
    place.hidden = !name;
  }

  toEnd() {
    const screen = this.find(".screen");
    screen.scrollTop = screen.scrollHeight;
  }

  show(state) {
    this.controls(state);
    if (!state.lines) return;
    if (Number(state.version) < Number(this.seen)) this.forget(); // the demo was started anew
    this.seen = state.version;
    const log = this.find(".log");
    let last = null;
    for (const line of state.lines) {
      const written = JSON.stringify(line);
      const old = this.shown.get(line.number);
      if (!old || old.written !== written) {
        const node = this.line(line);
        if (old) old.node.replaceWith(node);
        else log.append(node);
        this.shown.set(line.number, { node, written });
        last = line;
      }
    }
    this.find(".empty").hidden = state.lines.length > 0;
    if (last) {
      this.toEnd();
      if (last.who !== "person") notice(this.channel);
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
    const key = ({ name, fields }) => {
      const made = element("button", { type: "button" }, name);
      made.addEventListener("click", () => this.act(deed, fields));
      return made;
    };
    place.replaceChildren(...keys.map((one) => one.under
      ? element("details", {}, element("summary", {}, one.name), ...one.under.map(key))
      : key(one)));
  }

  line(line) {
    const bubble = element("div", { className: "bubble" });
    for (const part of line.parts) bubble.append(this.part(line, part));
    const who = element("span", { className: "away" }, `${words[line.who === "person" ? "you" : line.who]}: `);
    const made = element("li", { className: line.who }, who, bubble);
    const inside = line.parts.some((part) => part.choice);
    if (line.choices.length && !inside) made.append(this.keys(line));
    made.append(element("time", {}, line.at));
    return made;
  }

  part(line, part) {
    if (part.choice) return this.choice(line, part.choice, part.text);
    return part.link ? link(part.text, part.link) : document.createTextNode(part.text);
  }

  choice(line, number, label) {
    const made = element("button", { type: "button" }, label);
    made.addEventListener("click", () => this.act("tap", { line: line.number, choice: number }));
    return made;
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

function link(label, address) {
  if (!/^https?:\/\//.test(address)) return document.createTextNode(label);
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
}

function notice(channel) {
  const tab = document.querySelector(`[data-tab=${channel}]`);
  tab.querySelector(".new").hidden = tab.getAttribute("aria-pressed") === "true";
}

function choose(channel) {
  document.querySelector(".phones").dataset.shown = channel;
  for (const tab of document.querySelectorAll("[data-tab]")) {
    tab.setAttribute("aria-pressed", String(tab.dataset.tab === channel));
  }
  notice(channel);
  phones[channel].toEnd();
}

let asking = null;
async function refresh() {
  // One question at a time; who comes meanwhile gets the next one, so that nothing newer is missed.
  while (asking) await asking;
  asking = state();
  try { await asking; } finally { asking = null; }
}

async function state() {
  const query = new URLSearchParams();
  const asked = Object.values(phones).filter((phone) => phone.person).map((phone) => [phone, phone.person]);
  for (const [phone, person] of asked) {
    query.set(phone.channel, person);
    query.set(`${phone.channel}_seen`, phone.seen);
  }
  let answer;
  try {
    answer = await ask(`state?${query}`);
  } catch (error) {
    for (const [phone] of asked) phone.trouble(error.message);
    document.body.dataset.offline = "true";
    return;
  }
  if (document.body.dataset.offline) {
    delete document.body.dataset.offline;
    for (const [phone] of asked) phone.trouble("");
  }
  document.getElementById("clock").textContent = answer.clock;
  for (const [phone, person] of asked) if (person === phone.person) phone.show(answer[phone.channel]);
}

async function begin() {
  for (const channel of ["wechat", "telegram"]) phones[channel] = new Phone(channel);
  for (const tab of document.querySelectorAll("[data-tab]")) tab.addEventListener("click", () => choose(tab.dataset.tab));
  for (const phone of Object.values(phones)) if (!phone.person) await phone.fresh();
  await refresh();
  document.body.dataset.ready = "true";
  setInterval(() => { if (!document.hidden && !asking) refresh(); }, EVERY);
}

begin();
